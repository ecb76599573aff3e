import type { Database } from "@trueclick/db/postgres/database";
import { fraudDecisions } from "@trueclick/db/postgres/schema/rules";
import type { OracleDecision } from "./oracle.ts";

/** Takes the oracle's decisions in the product's own table, as somebody by hand. */
export async function decide(
  db: Pick<Database, "insert">,
  decisions: readonly OracleDecision[],
): Promise<void> {
  const values = decisions.map(({ fields, fromMs, toMs }) => ({
    origin: "manual" as const,
    campaignId: fields.campaign_id ?? null,
    publisherId: fields.publisher_id ?? null,
    userId: fields.user_id ?? null,
    eventId: fields.event_id ?? null,
    fromAt: new Date(fromMs),
    toAt: new Date(toMs),
    reason: "test",
    createdBy: "test",
  }));
  await db.insert(fraudDecisions).values(values);
}
