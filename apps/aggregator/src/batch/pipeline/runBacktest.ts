import { HOUR_MS } from "@trueclick/shared/time";
import { RULE_IDS, type RuleInForce } from "@trueclick/shared/verdict/rules";
import type { Backtest, BacktestLine, Backtests } from "../ports/backtests.ts";
import type { Job } from "../ports/jobQueue.ts";
import { judgeTrial, type TrialStores } from "./judgeTrial.ts";
import type { JobStores } from "./runJob.ts";

export interface BacktestStores extends TrialStores, Pick<JobStores, "inputs" | "codeVersion"> {
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
 * @throws {JobLostError} Another worker is at it.
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
    await stores.backtests.report(backtest, at + 1);
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
  const { inputs: inputsStore, engine, codeVersion } = stores;
  const job: Job = {
    id: NO_JOB,
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
  const copies = await inputsStore.resolve([...knownCopies, ...found]);
  // What it comes to is no bill: objects are read as they are.
  const unchecked = async () => {};
  return (await judgeTrial(stores, { ...base, copies, codeVersion }, unchecked, signal)).lines;
}

/** Inputs are read for a job; this is none. */
const NO_JOB = 0n;

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
