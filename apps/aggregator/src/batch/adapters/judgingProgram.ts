import { campaignIdSchema } from "@trueclick/shared/ids";
import { rulesInForce, STANDARD_RULES } from "@trueclick/shared/verdict/rules";
import { campaignRows } from "../domain/campaignSql.ts";
import { isFollowedSql } from "../domain/followedSql.ts";
import { countSql } from "../domain/judgeSql.ts";
import {
  countSuspects,
  dropRows,
  insertCube,
  insertKeys,
  insertRejects,
  insertSuspectIds,
  insertSuspects,
  SLICE_TABLES,
} from "../domain/sliceSql.ts";
import { dropUnlinkedSql, findUnlinkedSql } from "../domain/unlinkedSql.ts";
import { findCopiesSql } from "./clickhouseFindCopies.ts";
import { READ_CHECKS_PROGRAM } from "./clickhouseReadChecks.ts";
import { SLICE_KEYS_PROGRAM } from "./clickhouseSliceKeys.ts";
import { dropName } from "./clickhouseTruthEngine.ts";

/** The SQL that judges, by the names of its queries, for inputs in which every rule has a say. */
export function judgingProgram(): Record<string, string> {
  const changing = [0, 1].map((effectiveFromMs) => ({ effectiveFromMs, cpcMicros: 1n }));
  const campaign = {
    id: campaignIdSchema.parse("cmp_1"),
    startsMs: 1,
    endsMs: null,
    rates: changing,
    statuses: [],
    requirements: [{ effectiveFromMs: 1, required: true }],
  };
  const range = { fromMs: 0, toMs: 2 };
  const inputs = {
    campaigns: [campaign],
    rules: rulesInForce(
      STANDARD_RULES.map((rule) => ({ ...rule, enabled: true })),
      range,
    ),
    decisions: [
      { id: 1, scope: { publisher_id: "", user_id: "" }, fromMs: 0, toMs: 1 },
      { id: 2, scope: { publisher_id: "" }, fromMs: 0, toMs: 1 },
    ],
    agentLibraries: "",
    datacenterRangesSha256: "",
    bounds: range,
  };
  const slice = { firstHourMs: 0 };
  const sieved = { rows: "rows", endMs: 2, copies: "copies" };
  const linked = { rows: "rows", following: "following", preceding: "preceding" };
  const followed = { rows: "rows", endMs: 2, kept: "kept", added: "added" };
  return {
    "batch.findCopies": findCopiesSql(campaignRows(inputs.campaigns)),
    "batch.followed": isFollowedSql(followed, inputs) ?? "",
    "batch.count": countSql("rows", inputs),
    "batch.unlinked": findUnlinkedSql(linked, inputs.rules, inputs.campaigns, range),
    "batch.keys": insertKeys(sieved, slice, inputs, "keys"),
    "batch.countSuspects": countSuspects(slice),
    "batch.suspectIds": insertSuspectIds(sieved, slice, inputs, "keys"),
    "batch.sieve": insertSuspects(sieved, slice, inputs, "keys"),
    ...SLICE_KEYS_PROGRAM,
    ...READ_CHECKS_PROGRAM,
    "batch.rejects": insertRejects(sieved, slice, inputs),
    "batch.cube": insertCube(sieved, slice, inputs, "keys"),
    ...Object.fromEntries(SLICE_TABLES.map((table) => [dropName(table), dropRows(table, slice)])),
    "batch.dropUnlinked": dropUnlinkedSql(slice.firstHourMs),
  };
}
