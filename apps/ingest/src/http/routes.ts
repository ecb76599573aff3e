import type { ClickLinks } from "../pipeline/acceptClick.ts";
import { createClicksEndpoint } from "./clicks.ts";
import {
  createEventsEndpoint,
  createPreflightEndpoint,
  type EventsDependencies,
} from "./events.ts";
import { createHealthEndpoint, createReadyEndpoint, type Probe } from "./health.ts";
import { createMetricsEndpoint } from "./metrics.ts";
import { createReplayEndpoint } from "./replay.ts";
import type { Routes } from "./server.ts";

export interface RoutesDependencies extends EventsDependencies {
  readonly clickLinks: ClickLinks;
  readonly probes: Readonly<Record<string, Probe>>;
  readonly renderMetrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
  readonly isStopping: () => boolean;
}

/** All that the edge answers to. */
export function createRoutes(dependencies: RoutesDependencies): Routes {
  const { acceptance, clickLinks, probes, renderMetrics, isStopping } = dependencies;
  return {
    "/v1/events": {
      POST: createEventsEndpoint(dependencies),
      OPTIONS: createPreflightEndpoint(dependencies),
    },
    "/c/{token}": { GET: createClicksEndpoint({ acceptance, clickLinks }) },
    "/v1/quarantine/replay": { POST: createReplayEndpoint(dependencies) },
    "/healthz": { GET: createHealthEndpoint() },
    "/readyz": { GET: createReadyEndpoint(probes, isStopping) },
    "/metrics": { GET: createMetricsEndpoint(renderMetrics) },
  };
}
