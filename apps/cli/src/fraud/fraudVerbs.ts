import { userInfo } from "node:os";
import {
  addDecisions,
  type Decided,
  type DecisionRow,
  listDecisions,
  type NewDecision,
  revokeDecision,
} from "@trueclick/db/queries/fraudDecisions";
import { withStores } from "../stack/openStores.ts";
import { resolveStack } from "../stack/settings.ts";
import type { CliContext, VerbResult } from "../terminal/context.ts";
import { CliError } from "../terminal/errors.ts";
import { formatTable } from "../terminal/table.ts";
import { formatScope } from "./domain/decisionScope.ts";
import { readDecisionFile } from "./readDecisionFile.ts";

/** Adds one decision by hand. */
export async function addByHand(context: CliContext, decision: NewDecision): Promise<VerbResult> {
  const audit = { origin: "manual", createdBy: operator() } as const;
  return told(
    await withStores(await resolveStack(context), (stores) =>
      refusing(() => addDecisions(stores, [decision], audit)),
    ),
  );
}

/** Adds all decisions of a partner's file, or none. */
export async function importFile(context: CliContext, path: string): Promise<VerbResult> {
  const decisions = await readDecisionFile(path);
  const audit = { origin: "partner", createdBy: operator() } as const;
  return told(
    await withStores(await resolveStack(context), (stores) =>
      refusing(() => addDecisions(stores, decisions, audit)),
    ),
  );
}

export async function revoke(context: CliContext, id: number, reason: string): Promise<VerbResult> {
  return told(
    await withStores(await resolveStack(context), (stores) =>
      refusing(() => revokeDecision(stores, id, { reason, createdBy: operator() })),
    ),
  );
}

export async function list(context: CliContext): Promise<VerbResult> {
  const rows = await withStores(await resolveStack(context), listDecisions);
  const header = ["id", "origin", "scope", "from", "to", "by", "state", "reason"];
  const text =
    rows.length === 0 ? "There are no fraud decisions." : formatTable(header, rows.map(toCells));
  return { text, json: { decisions: rows.map(toJson) } };
}

/** Who is at the terminal, for the audit trail. */
function operator(): string {
  return `trueclick fraud, ${userInfo().username}`;
}

async function refusing<Result>(act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof RangeError) throw new CliError("refused", error.message, { cause: error });
    throw error;
  }
}

function told({ ids, standing, partitions, requestId }: Decided): VerbResult {
  const what = ids.length === 1 ? `Decision ${ids[0]}` : `${ids.length} decisions`;
  const already = standing.length === 0 ? "" : ` ${standing.length} were in force already.`;
  return {
    text: `${what}: ${partitions.length} counted days may be touched and are counted again.${already}`,
    json: {
      ids,
      standing,
      request_id: requestId,
      partitions: partitions.map(({ advertiserId, billingDay }) => ({
        advertiser_id: advertiserId,
        billing_day: billingDay,
      })),
    },
  };
}

function toCells({ id, origin, scope, range, createdBy, revoked, reason }: DecisionRow): string[] {
  const state = revoked === null ? "in force" : `revoked by ${revoked.by}: ${revoked.reason}`;
  const [from, to] = [range.fromMs, range.toMs].map((ms) => new Date(ms).toISOString());
  return [String(id), origin, formatScope(scope), from ?? "", to ?? "", createdBy, state, reason];
}

function toJson({ id, origin, scope, range, reason, createdBy, createdAt, revoked }: DecisionRow) {
  return {
    id,
    origin,
    scope: formatScope(scope),
    from: new Date(range.fromMs).toISOString(),
    to: new Date(range.toMs).toISOString(),
    reason,
    created_by: createdBy,
    created_at: createdAt.toISOString(),
    revoked:
      revoked === null
        ? null
        : { reason: revoked.reason, by: revoked.by, at: revoked.at.toISOString() },
  };
}
