import { HOUR_MS } from "@trueclick/shared/time";
import { RULE_IDS, type RuleInForce } from "@trueclick/shared/verdict/rules";
import type { Backtest, BacktestLine, Backtests } from "../ports/backtests.ts";
import type { Job } from "../ports/jobQueue.ts";
import { judgeDay, planDay } from "./judgeDay.ts";
import { preparingOnce } from "./preparedSlices.ts";
import type { JobStores } from "./runJob.ts";

export interface BacktestStores
  extends Pick<JobStores, "inputs" | "engine" | "codeVersion" | "sliceRowsMax" | "slicesAtOnce"> {
  readonly backtests: Backtests;
}

/**
 * Judges the counted days of a range by a rule that is not in force, and tells what each campaign
 * would have been billed instead. The other rules are those that a recount for a late event would
 * judge the day by: of now while it is open, those that it was judged by once it is closed.
 * Publishes nothing: its rows lie under builds that no version names, and are removed.
 *
 * Differences are against the current versions, so a day that is to be recounted anyway shows that too.
 *
 * @throws whatever a store throws; the back-test is begun again then.
 */
export async function runBacktest(
  stores: BacktestStores,
  backtest: Backtest,
  signal: AbortSignal,
): Promise<BacktestLine[]> {
  const lines = new Map<string, { line: BacktestLine; clicks: number; costMicros: bigint }>();
  const add = (line: BacktestLine, clicks: number, costMicros: bigint) => {
    const key = `${line.advertiser}/${line.campaign}`;
    const before = lines.get(key) ?? { line, clicks: 0, costMicros: 0n };
    lines.set(key, {
      line,
      clicks: before.clicks + clicks,
      costMicros: before.costMicros + costMicros,
    });
  };
  for (const [at, partition] of backtest.partitions.entries()) {
    signal.throwIfAborted();
    const { advertiserId, billingDay, currency } = partition;
    const toLine = (campaign: string) => {
      return { advertiser: advertiserId, campaign, currency, clicks: 0, costMicros: "0" };
    };
    for (const line of await judgedLines(stores, backtest, partition, signal)) {
      add(toLine(line.campaignId), line.clicks, line.costMicros);
    }
    for (const line of await stores.backtests.currentLines(advertiserId, billingDay)) {
      add(toLine(line.campaignId), -line.clicks, -line.costMicros);
    }
    await stores.backtests.report(backtest.id, at + 1);
  }
  return [...lines.values()]
    .filter(({ clicks, costMicros }) => clicks !== 0 || costMicros !== 0n)
    .map(({ line, clicks, costMicros }) => {
      return { ...line, clicks, costMicros: costMicros.toString() };
    });
}

async function judgedLines(
  stores: BacktestStores,
  backtest: Backtest,
  { advertiserId, billingDay, bounds }: Backtest["partitions"][number],
  signal: AbortSignal,
) {
  const { inputs: inputsStore, engine, backtests } = stores;
  const buildId = await backtests.newBuild(advertiserId, billingDay);
  const job: Job = {
    id: buildId,
    advertiserId,
    billingDay,
    reason: "back-test",
    attempt: 1,
    full: false,
  };
  const { knownCopies, ...base } = await inputsStore.read(job, (rules) =>
    withRule(rules, backtest),
  );
  const found = await engine.findCopies(base.campaigns, { ...bounds, toMs: bounds.toMs + HOUR_MS });
  const inputs = {
    ...base,
    copies: await inputsStore.resolve([...knownCopies, ...found]),
    codeVersion: stores.codeVersion,
  };
  const plan = planDay(inputs, [], stores.sliceRowsMax);
  const nowhere = { copy: async () => {}, record: async () => {} };
  try {
    // What it comes to is no bill: objects are read as they are.
    const unchecked = { slices: nowhere, check: async () => {} };
    const prepared = preparingOnce(engine);
    const options = {
      ...stores,
      ...unchecked,
      prepared,
      plan,
      read: [],
      onProgress: async () => {},
    };
    const build = { jobId: buildId, inputs, takenOver: [] };
    return (await judgeDay(options, build, signal)).lines;
  } finally {
    await engine.release(buildId);
    await backtests.discard(advertiserId, billingDay, buildId);
  }
}

/** The version that is tried: no version that is or will be has the number 0. */
const TRIED_VERSION = 0;

/** The rules in force with one of them replaced, at all times. */
export function withRule(
  rules: readonly RuleInForce[],
  { ruleId, enabled, parameters }: Pick<Backtest, "ruleId" | "enabled" | "parameters">,
): RuleInForce[] {
  const tried: RuleInForce = {
    ...{ id: ruleId, version: TRIED_VERSION, enabled, parameters },
    ...{ effectiveFromMs: 0, fromMs: 0, toMs: null },
  };
  const others = rules.filter(({ id }) => id !== ruleId);
  const all = enabled ? [...others, tried] : others;
  return all.toSorted((a, b) => RULE_IDS.indexOf(a.id) - RULE_IDS.indexOf(b.id));
}
