import type { Described } from "../openapi.ts";
import { driftEndpoint, eventEndpoint, jobEndpoint } from "./audit.ts";
import { billingExportEndpoint } from "./billingExport.ts";
import { advertisersEndpoint, campaignsEndpoint, partitionsEndpoint } from "./lists.ts";
import { pacingEndpoint } from "./pacing.ts";
import { pipelineHealthEndpoint } from "./pipelineHealth.ts";
import { quarantineEndpoint } from "./quarantine.ts";
import { reportEndpoint } from "./report.ts";
import { versionDiffEndpoint } from "./versionDiff.ts";

/** Every endpoint of the API; a test holds the routes of the app to this list. */
export const ENDPOINTS: readonly Described[] = [
  reportEndpoint,
  pacingEndpoint,
  driftEndpoint,
  eventEndpoint,
  partitionsEndpoint,
  versionDiffEndpoint,
  jobEndpoint,
  billingExportEndpoint,
  pipelineHealthEndpoint,
  quarantineEndpoint,
  campaignsEndpoint,
  advertisersEndpoint,
];
