/** Replays quarantined items through the edge, which judges them as it judged them at first. */
import { randomUUID } from "node:crypto";
import type { Database } from "@trueclick/db/postgres/database";
import { sourceKeys, sources } from "@trueclick/db/postgres/schema/keys";
import type { ReplayOutcome } from "@trueclick/db/postgres/schema/quarantine";
import {
  findQuarantined,
  formatQuarantineId,
  listQuarantine,
  parseQuarantineId,
  QUARANTINE_PAGE_MAX,
  type QuarantineFilter,
  type QuarantineItem,
  replayOnce,
} from "@trueclick/db/queries/quarantine";
import type { Stores } from "@trueclick/db/stores";
import { sourceIdSchema } from "@trueclick/shared/ids";
import { eq } from "drizzle-orm";
import { createKey, sha256Hex } from "../keys/hash.ts";
import { withStores } from "../stack/openStores.ts";
import { resolveStack } from "../stack/settings.ts";
import { type CliContext, EXIT_DONE, EXIT_FAILED, type VerbResult } from "../terminal/context.ts";
import { CliError, UsageError } from "../terminal/errors.ts";
import { createReplayClient, type ReplayClient } from "./replayClient.ts";

/** The source that the command line's own keys are of; no events come by them. */
const OPERATOR = { id: sourceIdSchema.parse("operator"), name: "Replays of the quarantine" };
/** Should this process die, its key dies not long after. */
const KEY_LIFE_MS = 3_600_000;

export interface ReplayRequest {
  /** Replayed whatever the filter says; else what the filter lets through and is pending. */
  readonly ids: readonly string[];
  readonly filter: QuarantineFilter;
  readonly limit: number;
  readonly isDryRun: boolean;
}

interface Replayed {
  readonly item: QuarantineItem;
  /** Null if it was taken by an earlier replay, or by one under way. */
  readonly outcome: ReplayOutcome | null;
}

export async function replayItems(
  context: CliContext,
  request: ReplayRequest,
): Promise<VerbResult> {
  const stack = await resolveStack(context);
  return withStores(stack, async (stores) => {
    const items = await chooseItems(stores, request);
    if (items.length === 0) return toResult([], request);
    return withReplayKey(stores.db, async (key) => {
      const client = createReplayClient(stack.ingestUrl, key);
      const replayed: Replayed[] = [];
      // Oldest first, as they came; one by one, since a replay is in nobody's hurry.
      for (const item of items.toReversed()) {
        if (context.stop.aborted)
          throw new CliError("stopped", "Stopped; run it again for the rest.");
        replayed.push({ item, outcome: await replay(stores, client, item, request.isDryRun) });
      }
      return toResult(replayed, request);
    });
  });
}

function replay(
  stores: Stores,
  client: ReplayClient,
  item: QuarantineItem,
  isDryRun: boolean,
): Promise<ReplayOutcome | null> {
  if (isDryRun) return client.replay(item, true);
  return replayOnce(stores, item, (locked) => client.replay(locked, false));
}

async function chooseItems(
  stores: Stores,
  { ids, filter, limit }: ReplayRequest,
): Promise<QuarantineItem[]> {
  if (limit > QUARANTINE_PAGE_MAX) {
    throw new UsageError(`--limit must be at most ${QUARANTINE_PAGE_MAX}`);
  }
  if (ids.length === 0) return listQuarantine(stores, { ...filter, isPending: true }, { limit });
  const found: QuarantineItem[] = [];
  for (const text of ids) {
    const id = parseQuarantineId(text);
    if (id === null)
      throw new UsageError(`--id: "${text}" is no id of the quarantine, such as 0:17`);
    const item = await findQuarantined(stores, id);
    if (item === null)
      throw new CliError("not_found", `Nothing in the quarantine has the id ${text}`);
    found.push(item);
  }
  return found.sort((a, b) => b.receivedAtMs - a.receivedAtMs);
}

/** A key for this run alone, gone when it ends. Whoever can read the quarantine may make one. */
async function withReplayKey<Result>(
  db: Database,
  use: (key: string) => Promise<Result>,
): Promise<Result> {
  const [key, id] = [createKey("source"), randomUUID()];
  await db.insert(sources).values(OPERATOR).onConflictDoNothing();
  await db.insert(sourceKeys).values({
    ...{ id, sourceId: OPERATOR.id, keySha256: sha256Hex(key), scopes: ["replay"] },
    expiresAt: new Date(Date.now() + KEY_LIFE_MS),
  });
  try {
    return await use(key);
  } finally {
    await db.delete(sourceKeys).where(eq(sourceKeys.id, id));
  }
}

function toResult(replayed: readonly Replayed[], { isDryRun }: ReplayRequest): VerbResult {
  const outcomes = replayed.flatMap(({ outcome }) => outcome ?? []);
  const accepted = outcomes.reduce((sum, outcome) => sum + outcome.accepted, 0);
  const refused = replayed.filter(({ outcome }) => outcome !== null && outcome.accepted === 0);
  const before = replayed.length - outcomes.length;
  const told = [
    `${isDryRun ? "Would take" : "Took"} ${accepted} events of ${replayed.length} items.`,
    ...(before === 0 ? [] : [`${before} were taken before.`]),
    ...refused.map(({ item, outcome }) => {
      const [first] = outcome?.rejected ?? [];
      return `${formatQuarantineId(item)}: ${first?.code ?? "refused"}: ${first?.message ?? ""}`;
    }),
  ];
  return {
    text: told.join("\n"),
    json: {
      dry_run: isDryRun,
      accepted,
      items: replayed.map(({ item, outcome }) => ({
        id: formatQuarantineId(item),
        state: outcome === null ? "taken_before" : outcome.accepted > 0 ? "taken" : "refused",
        accepted: outcome?.accepted ?? 0,
        rejected: outcome?.rejected ?? [],
      })),
    },
    exitCode: refused.length > 0 ? EXIT_FAILED : EXIT_DONE,
  };
}
