import { sql } from "drizzle-orm";
import { verifications } from "../postgres/schema/verifications.ts";
import type { Stores } from "../stores.ts";

/** What came of a version before its last answer is kept for so long. */
const KEPT_DAYS = 90;
/** Rows that one call removes. */
const ROWS_MAX = 1_000;

/**
 * Forgets some verifications that ended long ago and that another one has replaced. Of every version, and of
 * every line that was asked for by itself, the last one stays for good, and the last one that came to an answer:
 * what failed since takes nobody the proof. Idempotent; several processes may do it at once.
 *
 * @returns How many were forgotten; there may be more.
 */
export async function forgetVerifications({ db }: Pick<Stores, "db">): Promise<number> {
  const { rowCount } = await db.execute(sql`
    delete from ${verifications} where id in (
      select old.id from ${verifications} old
      where old.finished_at < now() - make_interval(days => ${KEPT_DAYS}) and exists (
        select from ${verifications} newer
        where newer.advertiser_id = old.advertiser_id and newer.billing_day = old.billing_day
          and newer.version = old.version and newer.id > old.id
          and newer.campaign_id is not distinct from old.campaign_id
          and (old.state = 'failed' or newer.state = 'done'))
      limit ${ROWS_MAX})`);
  return rowCount ?? 0;
}
