import { sql } from "drizzle-orm";
import { expect, inject, it } from "vitest";
import { openDatabase } from "./database.ts";

const LOCK = sql`select pg_advisory_xact_lock(7_310_442)`;

// A paused machine holds what its transaction locked, while another process is to take over.
it("takes locks from a process that is halted within a transaction, and lets it live", async () => {
  const [halted, heir] = [1, 2].map(() =>
    openDatabase(inject("postgresUrl"), { connectionsMax: 1 }),
  );
  if (halted === undefined || heir === undefined) throw new Error("There are two");
  const holding = Promise.withResolvers<void>();
  const wokenUp = Promise.withResolvers<void>();
  const transaction = halted.db.transaction(async (tx) => {
    await tx.execute(LOCK);
    holding.resolve();
    await wokenUp.promise;
    await tx.execute(sql`select 1`);
  });
  const outcome = transaction.then(
    () => "committed",
    () => "failed",
  );
  await holding.promise;
  await heir.db.transaction((tx) => tx.execute(LOCK));
  wokenUp.resolve();
  expect(await outcome).toBe("failed");
  expect((await halted.db.execute(sql`select 1 as one`)).rows).toEqual([{ one: 1 }]);
  await Promise.all([halted.close(), heir.close()]);
});
