/** Uses of click tokens in SQL: a good token is worth one click, whoever sends it how often. */
/** The key of an event that bears no good token. */
const NO_TOKEN = "toFixedString('', 16)";

/** A condition over the columns of the archive: the event bears a good token. */
export const BEARS_TOKEN = `event_type = 'click' AND impression_id != ''
        AND position(concat(',', flags, ','), ',token_ok,') > 0`;

/**
 * What a click's good token is for, over the columns of the archive: an impression of an ad. A token
 * that is minted again for the same is the same.
 */
export const TOKEN_KEY = `if(${BEARS_TOKEN}, sipHash128(impression_id, ad_id), ${NO_TOKEN})`;

/** A sub-query of those rows of the archive that bear a good token. */
export function tokenBearers(rows: string): string {
  return `(SELECT * FROM ${rows} WHERE NOT unparseable AND ${BEARS_TOKEN})`;
}

/** What is asked of an event to tell whether it uses its token up. */
const USE_COLUMNS = [
  "token_key",
  "position",
  "event_id128",
  "event_time_ms",
  "test",
  "flag_words",
  "agent_given",
  "agent_is_bot",
  "agent_is_browser",
  "net_is_datacenter",
];

/**
 * Tokens that came more than once, and the first event of each that used it up, by ingest time, then
 * coordinates. Tokens that came once, nearly all of them, are told from the others first.
 *
 * Needs `own`.
 *
 * @param copies SQL of events in other hours, with the columns of `own`; null when there are none.
 * @param noUse Bool over `own`: the event does not use its token up.
 */
export function usesSql(copies: string | null, noUse: string): string {
  const all = (columns: string) => {
    const bearing = (rows: string) =>
      `SELECT ${columns} FROM ${rows} WHERE token_key != ${NO_TOKEN}`;
    return copies === null
      ? bearing("own")
      : `${bearing("own")} UNION ALL ${bearing(`(${copies})`)}`;
  };
  return `
    SELECT token_key, count() AS times, min(position) AS first_position,
      argMin(event_id128, position) AS first_id128
    FROM (${all(USE_COLUMNS.join(", "))})
    WHERE NOT (${noUse}) AND token_key IN (
      SELECT token_key FROM (${all("token_key")}) GROUP BY token_key HAVING count() > 1)
    GROUP BY token_key`;
}
