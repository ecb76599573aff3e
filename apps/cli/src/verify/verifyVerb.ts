import { userInfo } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { truthCurrent, truthLines } from "@trueclick/db/postgres/schema/truth";
import {
  getVerification,
  requestVerification,
  type Verified,
} from "@trueclick/db/queries/verifications";
import type { Stores } from "@trueclick/db/stores";
import { and, eq } from "drizzle-orm";
import { withStores } from "../stack/openStores.ts";
import { resolveStack } from "../stack/settings.ts";
import { type CliContext, EXIT_DONE, EXIT_FAILED, type VerbResult } from "../terminal/context.ts";
import { CliError } from "../terminal/errors.ts";
import { createProgress } from "../terminal/progress.ts";
import { formatTable } from "../terminal/table.ts";
import { parseVerifiedId, type VerifiedId } from "./verifiedId.ts";

const POLL_MS = 200;
/** One that nobody has taken up for so long waits for a batch that does not run. */
const UNTAKEN_MS = 5 * 60_000;

const EVERYONE = { kind: "all" } as const;

interface Asked extends VerifiedId {
  readonly version: number;
}

/** Has a version counted again, and tells whether it comes to the same; ends with 1 if it does not. */
export async function runVerify(
  context: CliContext,
  kind: "line" | "partition",
  id: string,
): Promise<VerbResult> {
  const named = parseVerifiedId(kind, id);
  return withStores(await resolveStack(context), async (stores) => {
    const version = await existingVersion(stores, named);
    const asked = { ...named, version };
    const by = `trueclick verify, ${userInfo().username}`;
    const requested = await requestVerification(stores, EVERYONE, asked, by);
    if (requested === null) throw noVersion(asked);
    return told(asked, await follow(stores, requested, context));
  });
}

/** @throws {CliError} where there is nothing of that name. */
async function existingVersion({ db }: Stores, named: VerifiedId): Promise<number> {
  const { advertiserId, billingDay, campaignId } = named;
  const [current] = await db
    .select({ version: truthCurrent.version })
    .from(truthCurrent)
    .where(
      and(eq(truthCurrent.advertiserId, advertiserId), eq(truthCurrent.billingDay, billingDay)),
    );
  const version = named.version ?? current?.version;
  if (version === undefined) {
    throw new CliError("no_version", `${billingDay} of ${advertiserId} was never counted`);
  }
  if (campaignId === null) return version;
  const [line] = await db
    .select({ version: truthLines.version })
    .from(truthLines)
    .where(
      and(
        eq(truthLines.advertiserId, advertiserId),
        eq(truthLines.billingDay, billingDay),
        eq(truthLines.version, version),
        eq(truthLines.campaignId, campaignId),
      ),
    );
  if (line === undefined) throw noVersion({ ...named, version });
  return version;
}

function noVersion({ advertiserId, billingDay, version, campaignId }: Asked): CliError {
  const line = campaignId === null ? "" : ` with a line of ${campaignId}`;
  const message = `${advertiserId} has no version ${version} of ${billingDay}${line}`;
  return new CliError("no_version", message);
}

async function follow(stores: Stores, id: number, { stderr, stop }: CliContext): Promise<Verified> {
  const progress = createProgress(stderr);
  const askedAtMs = Date.now();
  try {
    for (;;) {
      const row = await getVerification(stores, EVERYONE, id);
      if (row?.verified) return row.verified;
      if (row?.state === "failed") {
        throw new CliError("verification_failed", row.error ?? "it failed");
      }
      if (row?.state === "queued" && Date.now() - askedAtMs > UNTAKEN_MS) {
        throw new CliError("not_taken_up", "Nobody took it up. Does the aggregator run?");
      }
      progress.show(null, row?.state === "running" ? "counting again" : "waiting for its turn");
      await pause(POLL_MS, null, { signal: stop }).catch(() => {
        throw new CliError("stopped", `Stopped watching; verification ${id} goes on.`);
      });
    }
  } finally {
    progress.clear();
  }
}

function told(asked: Asked, result: Verified): VerbResult {
  const { outcome, reason, judgedHash, contentHash, codeVersion, objects, lines, linesCompared } =
    result;
  const { pinned, read } = result.compacted ?? { pinned: 0, read: 0 };
  const rows = lines.map(({ campaign, ...line }) => [
    campaign,
    ...[line.clicks, line.costMicros, line.credited, line.creditedValueMicros].flatMap((one) =>
      one === undefined ? ["", ""] : [String(one.recorded), String(one.found)],
    ),
  ]);
  const header = [
    "campaign",
    ...["clicks", "micros", "credited", "value"].flatMap((of) => [of, "again"]),
  ];
  const isOther = codeVersion.recorded !== codeVersion.found;
  const text = [
    `${outcome}: version ${asked.version} of ${asked.billingDay}, ${asked.advertiserId}`,
    ...(reason === null ? [] : [reason]),
    `inputs ${result.inputsHash}`,
    ...(judgedHash === null
      ? []
      : [`recorded ${judgedHash.recorded}`, `again    ${judgedHash.found}`]),
    ...(contentHash === null
      ? []
      : [`credits  ${contentHash.recorded}`, `again    ${contentHash.found}`]),
    ...(isOther ? [`by ${codeVersion.found}; it was counted by ${codeVersion.recorded}`] : []),
    `${objects} archive objects read, ${linesCompared} lines compared`,
    ...(pinned === 0
      ? []
      : [`${read} of these in place of ${pinned} that they were compacted from, no longer kept`]),
    ...(rows.length === 0 ? [] : [formatTable(header, rows)]),
  ];
  return {
    text: text.join("\n"),
    json: toJson(asked, result),
    exitCode: outcome === "verified" ? EXIT_DONE : EXIT_FAILED,
  };
}

function toJson({ advertiserId, billingDay, campaignId, version }: Asked, result: Verified) {
  return {
    ...{ advertiser: advertiserId, day: billingDay, campaign: campaignId, version },
    outcome: result.outcome,
    reason: result.reason,
    job: result.jobId,
    code_version: result.codeVersion,
    inputs_hash: result.inputsHash,
    judged_hash: result.judgedHash,
    content_hash: result.contentHash,
    objects: result.objects,
    compacted: result.compacted,
    lines_compared: result.linesCompared,
    lines: result.lines.map(({ costMicros, credited, creditedValueMicros: value, ...line }) => ({
      ...{ ...line, cost_micros: numbers(costMicros) },
      ...(credited && { credited }),
      ...(value && { credited_value_micros: numbers(value) }),
    })),
  };
}

function numbers({ recorded, found }: { readonly recorded: string; readonly found: string }) {
  return { recorded: Number(recorded), found: Number(found) };
}
