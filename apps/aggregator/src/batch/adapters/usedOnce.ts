import type { ClickHouseSettings } from "@clickhouse/client";

/**
 * For statements that hold the constants of one job or slice. What the engine makes of them is used
 * once, so planning them must be cheap: for an hour with few events it takes longer than all the rest.
 */
export const USED_ONCE: ClickHouseSettings = {
  // Machine code is kept by the constants in it, which no later statement has.
  compile_expressions: 0,
  // Bounds that follow from other bounds are looked for in every chain of conditions: that took 60 of the
  // 105 ms in which `batch.rejects` was planned, and there are none.
  optimize_and_compare_chain: 0,
};
