/** What events may have in common, as fast hashes of 64 bits, over the columns of the archive. */
import { BEARS_TOKEN } from "./tokenUses.ts";

/** A hash that is never 0, which is kept for nothing to have in common. */
export const hashed = (...values: readonly string[]) =>
  `greatest(cityHash64(${values.join(", ")}), 1)`;

/** The key of a user agent in `user_agent_facts`. */
export const AGENT_HASH = "sipHash128(user_agent)";

/** The first half of an event's id. The same hash is asked of copies in other hours. */
export const ID = "reinterpretAsUInt64(event_id128)";
/** A good token: an impression of an ad. */
export const TOKEN = `if(${BEARS_TOKEN}, ${hashed("impression_id", "ad_id")}, 0)`;
/**
 * A user by the hash that sets of users have, one more where that is 0. A person without a name is an
 * address and a user agent.
 */
export const PERSON = `multiIf(user_id != '', greatest(sipHash64(user_id), 1),
        ip_hash != '', ${hashed("ip_hash", AGENT_HASH)}, 0)`;

/**
 * What events of `ownEventsSql` may have in common; `pair` is asked of clicks alone. Ads of two campaigns
 * that have one name are one here, and are told apart by the judge.
 */
export const COMMON_KEYS = `${ID} AS id, ${TOKEN} AS token, ${PERSON} AS person,
      if(person = 0, 0, ${hashed("person", "ad_id")}) AS pair`;

/** `person` of an event that names its user, else 0, over the columns that keys have. */
export const USER = "if(is_named, person, 0)";
