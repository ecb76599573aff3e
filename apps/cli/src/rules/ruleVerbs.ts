import { userInfo } from "node:os";
import {
  addRuleVersion,
  listRuleVersions,
  type RuleAdded,
} from "@trueclick/db/queries/ruleVersions";
import {
  disclosureOfRule,
  parseRuleParameters,
  type RuleId,
  type RuleParameters,
  type RuleVersion,
  rulesInForce,
} from "@trueclick/shared/verdict/rules";
import { z } from "zod";
import { withStores } from "../stack/openStores.ts";
import { resolveStack } from "../stack/settings.ts";
import type { CliContext, VerbResult } from "../terminal/context.ts";
import { UsageError } from "../terminal/errors.ts";
import { formatTable } from "../terminal/table.ts";

export interface RuleChange {
  readonly id: RuleId;
  /** Parameters in place of those of the version in force. */
  readonly set: RuleParameters;
  readonly enabled: boolean;
  readonly effectiveFromMs: number;
  readonly reason: string;
}

/** Adds the next version of a rule; what is not set stays as it is in force then. */
export async function setRule(context: CliContext, change: RuleChange): Promise<VerbResult> {
  return withStores(await resolveStack(context), async (stores) => {
    const { id, enabled, effectiveFromMs, reason } = change;
    const before = inForceAt(await listRuleVersions(stores), id, effectiveFromMs);
    const parameters = checkedParameters(id, { ...before?.parameters, ...change.set });
    const createdBy = `trueclick rules, ${userInfo().username}`;
    const wanted = { id, enabled, parameters, effectiveFromMs, reason, createdBy };
    const { version, partitions, closed, requestId } = await addRuleVersion(stores, wanted);
    const text = `${id}@${version}: ${partitions.length} open days are counted again.`;
    return {
      text: [text, ...closedText(closed)].join("\n"),
      json: {
        ...{ rule: id, version, parameters, request_id: requestId },
        partitions: partitions.length,
        closed: closed.map(({ advertiserId, billingDay }) => {
          return { advertiser_id: advertiserId, billing_day: billingDay };
        }),
      },
    };
  });
}

/** Closed days were shown as final: only a person changes them. */
function closedText(closed: RuleAdded["closed"]): string[] {
  const days = closed.map(({ billingDay }) => billingDay).sort();
  const [first, last] = [days.at(0), days.at(-1)];
  if (first === undefined || last === undefined) return [];
  const these = closed.length === 1 ? "1 closed day keeps" : `${closed.length} closed days keep`;
  return [
    `${these} what was counted; npx trueclick recompute --from ${first} --to ${last} would change that.`,
  ];
}

export async function listRules(context: CliContext): Promise<VerbResult> {
  const rows = await withStores(await resolveStack(context), listRuleVersions);
  const header = ["rule", "version", "on", "parameters", "from", "by", "reason"];
  const cells = rows.map((row) => [
    row.id,
    String(row.version),
    row.enabled ? "on" : "off",
    JSON.stringify(row.parameters),
    new Date(row.effectiveFromMs).toISOString(),
    row.createdBy,
    row.reason,
  ]);
  const json = rows.map(({ effectiveFromMs, createdBy, createdAt, ...row }) => ({
    ...row,
    disclosure: disclosureOfRule(row.id),
    effective_from: new Date(effectiveFromMs).toISOString(),
    created_by: createdBy,
    created_at: createdAt.toISOString(),
  }));
  return { text: formatTable(header, cells), json: { rules: json } };
}

/** The version in force at an instant, switched off or not. */
export function inForceAt(versions: readonly RuleVersion[], id: RuleId, atMs: number) {
  const own = versions.filter((version) => version.id === id);
  const shown = own.map((version) => ({ ...version, enabled: true }));
  return rulesInForce(shown, { fromMs: atMs, toMs: atMs + 1 })[0];
}

/** @throws {UsageError} naming the parameter that is wrong. */
export function checkedParameters(id: RuleId, parameters: RuleParameters): RuleParameters {
  try {
    return parseRuleParameters(id, parameters);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    const wrong = error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    throw new UsageError(`--set for ${id}: ${wrong.join("; ")}`, { cause: error });
  }
}
