import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { NOON_MS, storedEvent } from "@trueclick/archive/testing/storedEvents";
import { truthVersions } from "@trueclick/db/postgres/schema/truth";
import { dayOf } from "@trueclick/shared/calendar";
import { HOUR_MS } from "@trueclick/shared/time";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { truthCodeVersion, truthProgram } from "./adapters/truthProgram.ts";
import { runJob } from "./pipeline/runJob.ts";
import { type BatchWorld, openBatchWorld } from "./testing/batchWorld.ts";
import { KILL_STEPS, type KilledRun } from "./testing/runJobUntilKilled.ts";

const PROGRAM = fileURLToPath(import.meta.resolve("./testing/runJobUntilKilled.ts"));
const DAY = dayOf(NOON_MS, "UTC");
const HOURS = 2;
/** The first round with a conversion: only some steps need one. */
const FIRST_CONVERTED = KILL_STEPS.indexOf("conversions staged") + 1;

let world: BatchWorld;
beforeAll(async () => {
  world = await openBatchWorld();
  await world.addAdvertiser("adv_1", {
    timeZone: "UTC",
    campaigns: [
      { id: "cmp_1", rates: [[0, 100n]] },
      { id: "cmp_2", rates: [], requirements: [[0, true]] },
    ],
  });
  // An hour that no round touches: its rows are those of the first version for good.
  const untouched = storedEvent({ event_id: "untouched", event_time: NOON_MS - 5 * HOUR_MS });
  await world.archive.append([untouched, untouched]);
  await archive(0);
  await world.recount("adv_1", DAY);
});
afterAll(() => world.close());

/**
 * One click more in each of some hours, two of a campaign that needs impressions, one of which was
 * shown, and a copy of each; a conversion too where it is asked for.
 */
async function archive(round: number, isConverted = false): Promise<void> {
  const clicks = Array.from({ length: HOURS }, (_, hour) =>
    storedEvent({ event_id: `event-${round}-${hour}`, event_time: NOON_MS - hour * HOUR_MS }),
  );
  const conversion = storedEvent({
    event_id: `conversion-${round}`,
    event_type: "conversion",
    event_time: NOON_MS + 1,
    user_id: clicks[0]?.user_id,
  });
  const shown = ["impression", "click", "unlinked"].map((id) =>
    storedEvent({
      event_id: `${id}-of-${round}`,
      event_type: id === "impression" ? "impression" : "click",
      campaign_id: "cmp_2",
      impression_id: id === "unlinked" ? undefined : `shown-${round}`,
      user_id: `user-${id === "unlinked" ? "b" : "a"}-${round}`,
    }),
  );
  const events = [...clicks, ...shown, ...(isConverted ? [conversion] : [])];
  await world.archive.append([...events, ...events]);
  await world.archive.archiveAll();
}

async function runUntilKilled(step: KilledRun["step"]): Promise<void> {
  const { databaseUrl, clickhouseUrl, objectsDir, topic } = world.archive;
  const options: KilledRun = { step, databaseUrl, clickhouseUrl, objectsDir, topic };
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(options)], { stdio: "inherit" });
  const [code, signal] = await once(child, "exit");
  // One that came to its end, or that failed before the step, tests nothing.
  expect([code, signal]).toEqual([null, "SIGKILL"]);
}

/** What readers see: always all of one version, whatever goes on. */
async function expectWhole(version: number): Promise<void> {
  const conversions = Math.max(0, version - FIRST_CONVERTED);
  const clicks = BigInt(version * HOURS + 1);
  expect(await world.current("adv_1", DAY)).toMatchObject({
    version,
    costMicros: 100n * clicks,
    lines: [
      {
        ...{ clicks, duplicateClicks: clicks, costMicros: 100n * clicks },
        attributedConversions: BigInt(conversions),
      },
      { clicks: BigInt(version), grossClicks: BigInt(2 * version), impressions: BigInt(version) },
    ],
    cube: [
      { events: Number(2n * clicks) + 2 * conversions, costMicros: 100n * clicks },
      { events: 6 * version, costMicros: 0n },
    ],
  });
}

/** The runner that comes after: takes up what was left, as soon as its lease is over. */
async function goOn(): Promise<void> {
  await world.archive.db.execute(
    sql`update batch_jobs set lease_until = now() - interval '1 second' where state = 'running'`,
  );
  const job = await world.queue.takeAbandoned();
  if (job !== null) await runJob(world.stores, job, new AbortController().signal);
}

// I6. Rounds build on one another: each version must hold exactly one round more than the last.
it.each(KILL_STEPS.map((step, at) => [step, at + 1] as const))(
  "shows whole versions and publishes once when a run is killed with: %s",
  async (step, round) => {
    await archive(round, round >= FIRST_CONVERTED);
    await world.queueJob("adv_1", DAY, false);
    await runUntilKilled(step);
    await expectWhole(step === "the version committed" ? round + 1 : round);

    await goOn();
    await expectWhole(round + 1);
    const versions = await world.archive.db.select().from(truthVersions);
    expect(versions.map(({ version }) => version).sort((a, b) => a - b)).toEqual(
      Array.from({ length: round + 1 }, (_, at) => at + 1),
    );
    const [untouched] = (await world.current("adv_1", DAY))?.takenOver ?? [];
    expect(untouched?.hours).toEqual([(NOON_MS - 5 * HOUR_MS) / 1_000]);
  },
);

// I5. A version says which program counted it; a query that the name leaves out could change unseen.
it("names every query of a run, and is another program with any of them changed", async () => {
  const { clickhouse } = world.archive;
  const sent = [vi.spyOn(clickhouse, "command"), vi.spyOn(clickhouse, "query")];
  await archive(KILL_STEPS.length + 1, true);
  await world.recountChanged("adv_1", DAY);
  // What an attempt that died had judged is copied.
  await archive(KILL_STEPS.length + 2, true);
  const dying = { settle: () => Promise.reject(new Error("died")) };
  const attempt = world.recountChanged("adv_1", DAY, { ...world.stores, register: dying });
  await expect(attempt).rejects.toThrow("died");
  await goOn();
  const names = sent.flatMap(({ mock }) =>
    mock.calls.map(([{ clickhouse_settings }]) => clickhouse_settings?.log_comment ?? ""),
  );
  for (const spy of sent) spy.mockRestore();
  const ofRun = new Set(names.filter((name) => /^(batch|attribution)\./.test(String(name))));
  const program = truthProgram();
  expect(Object.keys(program)).toEqual(expect.arrayContaining([...ofRun]));
  expect([...ofRun]).toEqual(
    expect.arrayContaining(["batch.copy.truth_rejects", "batch.unlinked"]),
  );
  const versions = Object.keys(program).map((name) => {
    return truthCodeVersion({ ...program, [name]: `${program[name]} ` });
  });
  expect(new Set([truthCodeVersion(), ...versions]).size).toBe(versions.length + 1);
});
