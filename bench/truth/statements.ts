/** Where the processor's time of a run goes, statement by statement, as the engine's process spends it. */
import type { ClickHouseClient } from "@clickhouse/client";
import { cpuMs } from "./child.ts";

export interface StatementCost {
  readonly name: string;
  readonly runs: number;
  readonly cpuMs: number;
}

/**
 * Meters a client from now on, and makes each statement wait for the one before: what ran beside one would
 * be counted with both. So the processor's time is right, and the clock's is not.
 */
export function meterStatements(clickhouse: ClickHouseClient, enginePid: number) {
  const costs = new Map<string, { runs: number; cpuMs: number }>();
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(name: string, run: () => Promise<T>): Promise<T> => {
    const own = last.then(() => metered(name, run));
    last = own.catch(() => {});
    return own;
  };
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
    inTurn(nameOf(params.clickhouse_settings), () => command(params));
  const query = clickhouse.query.bind(clickhouse);
  clickhouse.query = (params) => inTurn(nameOf(params.clickhouse_settings), () => query(params));
  return {
    /** What was spent since the last look, the dearest first. */
    take(): StatementCost[] {
      const taken = [...costs].map(([name, cost]) => ({ name, ...cost }));
      costs.clear();
      return taken.sort((a, b) => b.cpuMs - a.cpuMs);
    },
  };
}

/** @param rows By which the last column divides. */
export function stepsTable(costs: readonly StatementCost[], rows: number): string {
  const lines = costs.map(({ name, runs, cpuMs: spentMs }) => {
    return `| ${name} | ${runs} | ${Math.round(spentMs)} | ${((spentMs * 1_000) / rows).toFixed(3)} |`;
  });
  const head = ["| statement | runs | cpu_ms | us_per_row |", "| --- | --- | --- | --- |"];
  return [...head, ...lines].join("\n");
}
