import { sqlString } from "@trueclick/archive/domain/sqlString";
import { CELL_KEY } from "./cellKey.ts";
import { AGENT_HASH, hashed, PERSON, TOKEN, USER } from "./commonKeys.ts";
import type { PinnedInputs } from "./inputs.ts";

/** What is judged as the archive has it. */
const TAKEN_COLUMNS = [
  ...["event_id", "event_id128", "event_type", "campaign_id", "ad_id", "publisher_id", "user_id"],
  ...["ip_net", "test"],
];
/** What only a cell tells. */
const CELL_TEXTS = ["geo", "device"];
const PLACE_COLUMNS = ["partition", "offset", "`index`", "event_time_ms", "ingest_ms"];
/** What rules ask of one event. */
export const FACT_COLUMNS = [
  ...["flag_words", "agent_given", "agent_is_bot", "agent_is_browser", "net_is_datacenter"],
];

/** The columns of an event as it is judged: those of `truth_suspects`. */
export const JUDGED_COLUMNS = [
  ...PLACE_COLUMNS,
  ...TAKEN_COLUMNS,
  ...FACT_COLUMNS,
  ...["payload", "person_hash", "pair_hash", "token_hash", "ip_net_hash", "cell"],
];

/**
 * What is told of an event by others that have the same, over its texts and `person`. A `pair` is of a click;
 * 0 is nothing to have in common.
 */
export const JUDGED_HASHES = `
      cityHash64(event_type, event_time_ms, campaign_id, ad_id, publisher_id, ${USER}) AS payload,
      if(event_type = 'click' AND person != 0,
        greatest(sipHash64(campaign_id, ad_id, person), 1), 0) AS pair_hash`;

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
  return `SELECT ${JUDGED_COLUMNS.join(", ")} FROM (
      SELECT *, user_id != '' AS is_named, ${PERSON} AS person, ${JUDGED_HASHES}, person AS person_hash,
        ${TOKEN} AS token_hash, if(ip_net = '', 0, ${hashed("ip_net")}) AS ip_net_hash,
        ${CELL_KEY} AS cell
      FROM (${own}))`;
}

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
