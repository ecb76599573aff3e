import type { Endpoint } from "../endpoint.ts";
import { driftEndpoint, eventEndpoint, jobEndpoint } from "./audit.ts";
import { billingExportEndpoint } from "./billingExport.ts";
import { advertisersEndpoint, campaignsEndpoint, partitionsEndpoint } from "./lists.ts";
import { pacingEndpoint } from "./pacing.ts";
import { pipelineHealthEndpoint } from "./pipelineHealth.ts";
import { quarantineEndpoint } from "./quarantine.ts";
import { reportEndpoint } from "./report.ts";
import { versionDiffEndpoint } from "./versionDiff.ts";

/** Every endpoint of the API: what is served and what the OpenAPI document says are both made of it. */
export const ENDPOINTS: readonly Endpoint[] = [
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
