/** Which days a change of rules touches. */
import type { InstantRange } from "@trueclick/shared/calendar";
import { type RuleVersion, rulesInForce } from "@trueclick/shared/verdict/rules";
import { and, gte, inArray, isNotNull, sql } from "drizzle-orm";
import { z } from "zod";
import { batchJobs } from "../postgres/schema/truth.ts";
import type { Stores } from "../stores.ts";
import { type TenantScope, tenantWhere } from "../tenant.ts";
import { listRuleVersions } from "./ruleVersions.ts";

/** Rules as a job pins them (`batch_jobs.inputs`). */
const pinnedSchema = z.array(
  z.object({
    id: z.string(),
    version: z.number(),
    from_ms: z.number(),
    to_ms: z.number().nullable(),
  }),
);
export type PinnedRules = z.infer<typeof pinnedSchema>;

/**
 * The rules, as `id@version`, that judge events of a range now and did not when a job pinned them, or
 * not at the same times; with a minus sign those that judge no more. Empty where nothing is another.
 *
 * @param rulesHash Of what was pinned; null when nothing was noted.
 */
export type RuleChanges = (rulesHash: string | null, range: InstantRange) => readonly string[];

/** Reads today's rules and every other set of them that a finished job of the scope pinned. */
export async function ruleChanges(
  { db }: { readonly db: Pick<Stores["db"], "select" | "selectDistinctOn"> },
  scope: TenantScope,
  sinceMs: number,
): Promise<RuleChanges> {
  const versions = await listRuleVersions({ db });
  const { advertiserId, rulesHash, state } = batchJobs;
  const pinned = await db
    .selectDistinctOn([rulesHash], {
      hash: rulesHash,
      rules: sql<unknown>`${batchJobs.inputs} -> 'rules'`,
    })
    .from(batchJobs)
    .where(
      and(
        tenantWhere(scope, advertiserId),
        gte(batchJobs.billingDay, new Date(sinceMs).toISOString().slice(0, 10)),
        inArray(state, ["published", "verified"]),
        isNotNull(rulesHash),
      ),
    );
  const byHash = new Map(pinned.map(({ hash, rules }) => [hash, pinnedSchema.parse(rules)]));
  return (hash, range) => {
    const before = byHash.get(hash);
    return before === undefined ? [] : changedRules(before, versions, range);
  };
}

/** What begins or ends outside of the range changes nothing in it. */
export function changedRules(
  before: PinnedRules,
  versions: readonly RuleVersion[],
  range: InstantRange,
): string[] {
  const now = rulesInForce(versions, range).map(({ id, version, fromMs, toMs }) => {
    return { id, version, from_ms: fromMs, to_ms: toMs };
  });
  const [had, has] = [before, now].map((rules) => new Set(rules.flatMap(spanIn(range))));
  const nameOf = (span: string) => span.slice(0, span.indexOf(" "));
  const come = [...(has ?? [])].filter((span) => !had?.has(span)).map(nameOf);
  const gone = [...(had ?? [])].filter((span) => !has?.has(span)).map(nameOf);
  // A version that merely judges longer or shorter is named once.
  return [
    ...new Set([...come, ...gone.filter((name) => !come.includes(name)).map((name) => `-${name}`)]),
  ];
}

/** A rule and when it judges events of a range, as one text; nothing where it judges none. */
const spanIn =
  (range: InstantRange) =>
  ({ id, version, from_ms, to_ms }: PinnedRules[number]): string[] => {
    const fromMs = Math.max(from_ms, range.fromMs);
    const toMs = Math.min(to_ms ?? range.toMs, range.toMs);
    return fromMs < toMs ? [`${id}@${version} ${fromMs}-${toMs}`] : [];
  };
