import type { ClickHouseClient, ClickHouseSettings } from "@clickhouse/client";
import { z } from "zod";
import { AGENT_HASH } from "../domain/commonKeys.ts";
import { pinnedRows } from "../domain/pinnedRows.ts";
import { AGENT_LIBRARIES, readAgent } from "./agentLibraries.ts";

/** User agents told apart at once; each has at most 1 KiB. */
const AGENTS_PER_ROUND_MAX = 10_000;
/** So that a round that changes nothing cannot go on for ever: a billion user agents. */
const ROUNDS_MAX = 100_000;

const agentRow = z.object({ agent: z.string() });

/**
 * Tells every user agent in some rows whose facts are not known yet, and writes them down. Facts are
 * a function of user agent and libraries: what another job writes meanwhile is the same.
 *
 * @param rows A sub-query with a column `user_agent`.
 */
export async function learnAgents(
  clickhouse: ClickHouseClient,
  rows: string,
  settings: ClickHouseSettings,
): Promise<void> {
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const result = await clickhouse.query({
      query: unknownAgentsSql(rows),
      query_params: { libraries: AGENT_LIBRARIES, limit: AGENTS_PER_ROUND_MAX },
      format: "JSONEachRow",
      clickhouse_settings: { ...settings, log_comment: "batch.agents" },
    });
    const agents = z.array(agentRow).parse(await result.json());
    if (agents.length === 0) return;
    await writeFacts(
      clickhouse,
      agents.map(({ agent }) => agent),
      settings,
    );
    if (agents.length < AGENTS_PER_ROUND_MAX) return;
  }
  throw new Error(`user agents are still unknown after ${ROUNDS_MAX} rounds`);
}

function unknownAgentsSql(rows: string): string {
  return `
    SELECT agent FROM (SELECT DISTINCT user_agent AS agent FROM ${rows} WHERE user_agent != '')
    WHERE ${AGENT_HASH.replace("user_agent", "agent")} NOT IN (
      SELECT agent_hash FROM user_agent_facts WHERE libraries = {libraries: String})
    LIMIT {limit: UInt32}`;
}

function insertFactsSql(facts: Parameters<typeof pinnedRows>[1]): string {
  return `
    INSERT INTO user_agent_facts (libraries, agent_hash, is_bot, is_browser)
    SELECT {libraries: String}, ${AGENT_HASH}, is_bot, is_browser
    FROM (${pinnedRows("user_agent String, is_bot Bool, is_browser Bool", facts)})`;
}

/** The SQL that user agents are told by, by the names of its queries. */
export const AGENTS_PROGRAM: Readonly<Record<string, string>> = {
  "batch.agents": unknownAgentsSql("rows"),
  "batch.learnAgents": insertFactsSql([]),
};

/** The engine hashes: so hash and user agent belong together by its own word. */
async function writeFacts(
  clickhouse: ClickHouseClient,
  agents: readonly string[],
  settings: ClickHouseSettings,
): Promise<void> {
  const facts = agents.map((user_agent) => {
    const { isBot, isBrowser } = readAgent(user_agent);
    return { user_agent, is_bot: isBot, is_browser: isBrowser };
  });
  await clickhouse.command({
    query: insertFactsSql(facts),
    query_params: { libraries: AGENT_LIBRARIES },
    clickhouse_settings: { ...settings, log_comment: "batch.learnAgents" },
  });
}
