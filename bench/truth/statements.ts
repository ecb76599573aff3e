/** Where the processor's time of a run goes, statement by statement, as the engine's process spends it. */
import type { ClickHouseClient } from "@clickhouse/client";
import { cpuMs } from "./child.ts";

export interface StatementCost {
  readonly name: string;
  readonly runs: number;
  readonly cpuMs: number;
}

/**
 * Meters a client from now on. Right only while statements run one after the other: what runs beside
 * one is counted with both.
 */
export function meterStatements(clickhouse: ClickHouseClient, enginePid: number) {
  const costs = new Map<string, { runs: number; cpuMs: number }>();
  const metered = async <T>(name: string, run: () => Promise<T>): Promise<T> => {
    const before = cpuMs(enginePid);
    try {
      return await run();
    } finally {
      const cost = costs.get(name) ?? { runs: 0, cpuMs: 0 };
      costs.set(name, { runs: cost.runs + 1, cpuMs: cost.cpuMs + cpuMs(enginePid) - before });
    }
  };
  const nameOf = (settings?: { readonly log_comment?: unknown }) =>
    String(settings?.log_comment ?? "other");
  const command = clickhouse.command.bind(clickhouse);
  clickhouse.command = (params) =>
    metered(nameOf(params.clickhouse_settings), () => command(params));
  const query = clickhouse.query.bind(clickhouse);
  clickhouse.query = (params) => metered(nameOf(params.clickhouse_settings), () => query(params));
  return {
    /** What was spent since the last look, the dearest first. */
    take(): StatementCost[] {
      const taken = [...costs].map(([name, cost]) => ({ name, ...cost }));
      costs.clear();
      return taken.sort((a, b) => b.cpuMs - a.cpuMs);
    },
  };
}
