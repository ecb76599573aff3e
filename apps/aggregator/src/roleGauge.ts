import { Gauge, type Registry } from "prom-client";

/** A gauge by role. Roles of one process share it. */
export function roleGauge(
  registry: Registry,
  metric: { readonly name: string; readonly help: string },
): Gauge<"role"> {
  const found = registry.getSingleMetric(metric.name);
  if (found instanceof Gauge) return found;
  return new Gauge({ ...metric, labelNames: ["role"], registers: [registry] });
}
