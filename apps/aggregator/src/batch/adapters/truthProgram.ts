/** What a run asks of the engine, as one name: other SQL, other version. */
import { hash } from "node:crypto";
import { canonicalJson } from "../domain/canonicalJson.ts";
import { AGENTS_PROGRAM } from "./clickhouseAgentFacts.ts";
import { attributionProgram } from "./clickhouseAttribution.ts";
import { SUMMARY_PROGRAM } from "./clickhouseBuildSummary.ts";
import { HOURS_PROGRAM } from "./clickhouseHourSums.ts";
import { IDS_PROGRAM } from "./clickhouseNewIds.ts";
import { USES_PROGRAM } from "./clickhouseTokenUses.ts";
import { USERS_PROGRAM } from "./clickhouseUsers.ts";
import { searchProgram } from "./copySearchSql.ts";
import { NETWORKS_PROGRAM } from "./datacenterRanges.ts";
import { judgingProgram } from "./judgingProgram.ts";
import { KEY_FILTERS_PROGRAM } from "./keyFilters.ts";
import { COPYING_PROGRAM } from "./sliceRecords.ts";

/**
 * Every query of a run by its name, as it is for inputs that never change. A test runs a job and
 * finds each query that it sends in here.
 */
export function truthProgram(): Readonly<Record<string, string>> {
  return {
    ...searchProgram(),
    ...IDS_PROGRAM,
    ...USES_PROGRAM,
    ...KEY_FILTERS_PROGRAM,
    ...AGENTS_PROGRAM,
    ...NETWORKS_PROGRAM,
    ...judgingProgram(),
    ...COPYING_PROGRAM,
    ...HOURS_PROGRAM,
    ...SUMMARY_PROGRAM,
    ...USERS_PROGRAM,
    ...attributionProgram(),
  };
}

/** Names the code that counts, and makes open days that another one counted be counted again. */
export function truthCodeVersion(program = truthProgram()): string {
  return `truth-${hash("sha256", canonicalJson(program)).slice(0, 12)}`;
}
