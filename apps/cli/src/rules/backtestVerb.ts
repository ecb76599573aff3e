import { userInfo } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { backtests } from "@trueclick/db/postgres/schema/rules";
import { listRuleVersions } from "@trueclick/db/queries/ruleVersions";
import type { Stores } from "@trueclick/db/stores";
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { eq } from "drizzle-orm";
import { z } from "zod";
import { withStores } from "../stack/openStores.ts";
import { resolveStack } from "../stack/settings.ts";
import type { CliContext, VerbResult } from "../terminal/context.ts";
import { CliError } from "../terminal/errors.ts";
import { createProgress } from "../terminal/progress.ts";
import { formatTable } from "../terminal/table.ts";
import { checkedParameters, inForceAt, type RuleChange } from "./ruleVerbs.ts";

export interface BacktestRequest extends Pick<RuleChange, "id" | "set" | "enabled"> {
  /** Billing days, both inclusive. */
  readonly from: string;
  readonly to: string;
  readonly advertiser?: string | undefined;
}

const POLL_MS = 300;
/** Without a day being judged for so long, nobody runs it. */
const STALLED_MS = 5 * 60_000;

/** What the runner writes. */
const resultSchema = z.array(
  z.object({
    advertiser: z.string(),
    campaign: z.string(),
    currency: z.string(),
    clicks: z.number(),
    costMicros: z.string(),
  }),
);

/** Tries a rule on counted days, and tells what it would credit and to whom. */
export async function runBacktest(
  context: CliContext,
  request: BacktestRequest,
): Promise<VerbResult> {
  return withStores(await resolveStack(context), async (stores) => {
    const { id, set, enabled, from, to, advertiser } = request;
    const before = inForceAt(await listRuleVersions(stores), id, Date.parse(to));
    const [asked] = await stores.db
      .insert(backtests)
      .values({
        ruleId: id,
        enabled,
        parameters: checkedParameters(id, { ...before?.parameters, ...set }),
        advertiserId: advertiser === undefined ? null : advertiserIdSchema.parse(advertiser),
        fromDay: from,
        toDay: to,
        requestedBy: `trueclick backtest, ${userInfo().username}`,
      })
      .returning({ id: backtests.id });
    if (asked === undefined) throw new Error("the insert of a back-test returned no row");
    return told(await follow(stores, asked.id, context));
  });
}

async function follow(stores: Stores, id: number, { stderr, stop }: CliContext) {
  const progress = createProgress(stderr);
  let doneBefore = -1;
  let movedAtMs = Date.now();
  for (;;) {
    const [row] = await stores.db.select().from(backtests).where(eq(backtests.id, id));
    const done = row?.partitionsDone ?? 0;
    if (row?.state === "failed") throw new CliError("backtest_failed", row.error ?? "it failed");
    if (row?.state === "done") {
      progress.clear();
      return { id, days: done, lines: resultSchema.parse(row.result) };
    }
    if (done !== doneBefore) movedAtMs = Date.now();
    doneBefore = done;
    if (Date.now() - movedAtMs > STALLED_MS) {
      throw new CliError(
        "backtest_stalled",
        "No day judged for five minutes. Does the aggregator run?",
      );
    }
    const total = row?.partitionsTotal ?? null;
    progress.show(total === null ? null : done / Math.max(1, total), `${done} days judged`);
    await pause(POLL_MS, null, { signal: stop }).catch(() => {
      throw new CliError("stopped", `Stopped watching; back-test ${id} goes on.`);
    });
  }
}

function told({ id, days, lines }: Awaited<ReturnType<typeof follow>>): VerbResult {
  const rows = lines.map((line) => [
    line.advertiser,
    line.campaign,
    String(line.clicks),
    line.costMicros,
    line.currency,
  ]);
  const header = ["advertiser", "campaign", "clicks", "micros", "currency"];
  const text = rows.length === 0 ? "Nothing would change." : formatTable(header, rows);
  return {
    text: `${text}\n${days} days judged; nothing was published.`,
    json: {
      id,
      days,
      lines: lines.map(({ costMicros, ...line }) => ({ ...line, cost_micros: Number(costMicros) })),
    },
  };
}
