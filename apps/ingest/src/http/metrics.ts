import type { Endpoint } from "./exchange.ts";

/** `/metrics`: the counters in Prometheus' text format. */
export function createMetricsEndpoint(
  render: () => Promise<{ readonly contentType: string; readonly text: string }>,
): Endpoint {
  return async () => {
    const { contentType, text } = await render();
    return { status: 200, contentType, body: text };
  };
}
