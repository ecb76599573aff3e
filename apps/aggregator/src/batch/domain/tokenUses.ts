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
  "token_hash",
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
 * coordinates; `times` is how many events did.
 *
 * Needs `own`.
 *
 * @param copies SQL of events in other hours, with the columns of `own`; null when there are none.
 * @param noUse Bool over `own`: the event does not use its token up.
 */
export function usesSql(copies: string | null, noUse: string): string {
  const columns = USE_COLUMNS.join(", ");
  const own = `SELECT ${columns} FROM own WHERE token_hash != 0`;
  const all =
    copies === null
      ? own
      : `${own} UNION ALL SELECT ${columns} FROM (${copies})
          WHERE token_hash IN (SELECT token_hash FROM own WHERE token_hash != 0)`;
  return `
    SELECT token_hash, countIf(uses) AS times, minIf(position, uses) AS first_position,
      argMinIf(event_id128, position, uses) AS first_id128
    FROM (SELECT token_hash, position, event_id128, NOT (${noUse}) AS uses FROM (${all}))
    GROUP BY token_hash
    HAVING count() > 1`;
}
