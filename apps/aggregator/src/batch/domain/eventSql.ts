import { sqlString } from "@trueclick/archive/domain/sqlString";
import { CELL_KEY } from "./cellKey.ts";
import type { PinnedInputs } from "./inputs.ts";
import { TOKEN_KEY } from "./tokenUses.ts";

/** Nobody: the key of an event that bears nothing to know a person by. */
export const NOBODY = "toFixedString('', 16)";
/** The key of a user agent in `user_agent_facts`. */
export const AGENT_HASH = "sipHash128(user_agent)";

/** What is judged as the archive has it. */
const TAKEN_COLUMNS = [
  ...["event_id", "event_id128", "event_type", "campaign_id", "ad_id", "publisher_id", "user_id"],
  ...["ip_net", "test"],
];
/** What only a cell tells. */
const CELL_TEXTS = ["geo", "device"];
const PLACE_COLUMNS = ["partition", "offset", "`index`", "event_time_ms", "ingest_ms"];
const FACT_COLUMNS = [
  ...["flag_words", "agent_given", "agent_is_bot", "agent_is_browser", "net_is_datacenter"],
];

/** The columns of an event as it is judged: those of `truth_suspects`. */
export const JUDGED_COLUMNS = [
  ...PLACE_COLUMNS,
  ...TAKEN_COLUMNS,
  ...FACT_COLUMNS,
  ...["payload", "person", "pair", "token_key", "cell"],
];

/** What is told of an event by others that have the same. */
const KEYS = `
      cityHash64(event_type, event_time_ms, campaign_id, ad_id, publisher_id, user_id) AS payload,
      multiIf(user_id != '', sipHash128(user_id), ip_hash != '', sipHash128(ip_hash, user_agent),
        ${NOBODY}) AS person,
      if(event_type = 'click' AND person != ${NOBODY}, sipHash128(campaign_id, ad_id, person),
        ${NOBODY}) AS pair,
      ${TOKEN_KEY} AS token_key,
      ${CELL_KEY} AS cell`;

type EventInputs = Pick<PinnedInputs, "agentLibraries" | "datacenterRangesSha256">;

/**
 * SQL of the advertiser's events among rows of the archive, with what each says of itself and what its
 * keys are made of. Needs `campaigns`, a sub-query with the ids that are the advertiser's.
 */
export function ownEventsSql(rows: string, inputs: EventInputs): string {
  return `
    SELECT toUInt16(partition) AS partition, toUInt64(offset) AS offset,
      toUInt16(\`index\`) AS \`index\`, ${[...TAKEN_COLUMNS, ...CELL_TEXTS].join(", ")},
      toUnixTimestamp64Milli(event_time) AS event_time_ms,
      toUnixTimestamp64Milli(ingest_time) AS ingest_ms,
      ${factsSql(inputs)}, ip_hash, user_agent, impression_id, flags
    FROM ${rows}
    WHERE NOT unparseable AND campaign_id IN (SELECT campaign_id FROM campaigns)`;
}

/** SQL that gives `JUDGED_COLUMNS` of rows of `ownEventsSql`. */
export function judgedSql(own: string): string {
  return `SELECT ${JUDGED_COLUMNS.join(", ")} FROM (SELECT *, ${KEYS} FROM (${own}))`;
}

/** What rules ask of one event. */
function factsSql({ agentLibraries, datacenterRangesSha256: ranges }: EventInputs): string {
  const libraries = `libraries = ${sqlString(agentLibraries)}`;
  const agents = (fact: string) =>
    `(SELECT agent_hash FROM user_agent_facts WHERE ${libraries} AND ${fact})`;
  const isDatacenter =
    ranges === null
      ? "false"
      : `ip_net IN (SELECT ip_net FROM datacenter_nets WHERE ranges_sha256 = ${sqlString(ranges)})`;
  return `concat(',', flags, ',') AS flag_words,
      ${AGENT_HASH} AS agent_hash,
      user_agent != '' AS agent_given,
      agent_given AND agent_hash IN ${agents("is_bot")} AS agent_is_bot,
      agent_given AND agent_hash NOT IN ${agents("NOT is_browser")} AS agent_is_browser,
      ${isDatacenter} AS net_is_datacenter`;
}
