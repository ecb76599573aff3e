import type { Database } from "@trueclick/db/postgres/database";
import { edgeNonces } from "@trueclick/db/postgres/schema/keys";
import { and, eq, lt } from "drizzle-orm";
import type { AnsweredNonces } from "../ports/answeredNonces.ts";
import { withTimeout } from "./withTimeout.ts";

const TIMEOUT_MS = 1_000;
/** How often expired nonces are deleted, milliseconds: what bounds the table. */
const SWEEP_EVERY_MS = 60_000;

/** @param onFault Told of each answer that could not be found or kept. */
export function createPostgresAnsweredNonces(
  db: Database,
  nowMs: () => number,
  onFault: (error: unknown) => void,
): AnsweredNonces {
  let sweptAtMs = 0;
  const sweep = async () => {
    if (nowMs() - sweptAtMs < SWEEP_EVERY_MS) return;
    sweptAtMs = nowMs();
    await db.delete(edgeNonces).where(lt(edgeNonces.expiresAt, new Date(nowMs())));
  };
  return {
    async find({ keyId, nonce }) {
      const { bodySha256, status, body } = edgeNonces;
      const found = db
        .select({ bodySha256, status, body })
        .from(edgeNonces)
        .where(and(eq(edgeNonces.keyId, keyId), eq(edgeNonces.nonce, nonce)));
      try {
        const [row] = await withTimeout(found.execute(), TIMEOUT_MS);
        return row ?? null;
      } catch (error) {
        onFault(error);
        return null;
      }
    },
    async remember(ref, answer, expiresAtMs) {
      const row = { ...ref, ...answer, expiresAt: new Date(expiresAtMs) };
      const remembered = db.insert(edgeNonces).values(row).onConflictDoNothing();
      try {
        await withTimeout(remembered.execute(), TIMEOUT_MS);
        await withTimeout(sweep(), TIMEOUT_MS);
      } catch (error) {
        onFault(error);
      }
    },
  };
}
