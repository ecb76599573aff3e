import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { NOON_MS, storedEvent } from "@trueclick/archive/testing/storedEvents";
import { backtestBuilds, backtests } from "@trueclick/db/postgres/schema/rules";
import { verifications } from "@trueclick/db/postgres/schema/verifications";
import { dayOf } from "@trueclick/shared/calendar";
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { desc, eq, type SQL, sql } from "drizzle-orm";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { ATTEMPTS_MAX } from "./adapters/postgresJobQueue.ts";
import { composeWorks } from "./composeWorks.ts";
import type { Verified } from "./domain/verified.ts";
import { type Works, workOff } from "./pipeline/workOff.ts";
import { JobLostError, JobRefusedError } from "./ports/jobQueue.ts";
import type { Claim } from "./ports/workQueue.ts";
import { HALTED, type HaltedRun } from "./testing/batchUntilHalted.ts";
import { type BatchWorld, openBatchWorld } from "./testing/batchWorld.ts";

const PROGRAM = fileURLToPath(import.meta.resolve("./testing/batchUntilHalted.ts"));
const DAY = dayOf(NOON_MS, "UTC");
const advertiserId = advertiserIdSchema.parse("adv_1");
/** For so long at most a work is nobody's whose process was killed. */
const LEASE_MS_MAX = 30_000;
const role = { renewIntervalMs: 5, logger: pino({ level: "silent" }) };

let world: BatchWorld;
beforeAll(async () => {
  world = await openBatchWorld();
  await world.addAdvertiser("adv_1", {
    timeZone: "UTC",
    campaigns: [{ id: "cmp_1", rates: [[0, 10n]] }],
  });
  await world.archive.append([storedEvent({ event_id: "event-0001" })]);
  await world.archive.archiveAll();
  await world.recount("adv_1", DAY);
});
afterAll(() => world.close());

interface Kind {
  readonly table: typeof backtests | typeof verifications;
  readonly ask: () => Promise<unknown>;
  readonly works: () => Works<Claim, unknown>;
  /** What comes of it. */
  readonly result: unknown;
  /** What a worker may write of it. */
  readonly answer: unknown;
}

const composed = () => {
  const { db, clickhouse, topic } = world.archive;
  return composeWorks(world.stores, db, clickhouse, topic);
};

const VERIFICATION: Kind = {
  table: verifications,
  ask: () => {
    const asked = { advertiserId, billingDay: DAY, version: 1, requestedBy: "test" };
    return world.archive.db.insert(verifications).values(asked);
  },
  works: () => composed().verifications,
  result: expect.objectContaining({ outcome: "verified" }),
  answer: {
    ...{ outcome: "verified", reason: null, jobId: "1", inputsHash: "a", judgedHash: null },
    ...{
      codeVersion: { recorded: "a", found: "a" },
      objects: 0,
      compacted: null,
      contentHash: null,
    },
    ...{ linesCompared: 0, lines: [] },
  } satisfies Verified,
};

const BACKTEST: Kind = {
  table: backtests,
  ask: () => {
    const rule = { ruleId: "double_click", enabled: true, parameters: { seconds: 60 } } as const;
    const asked = { ...rule, fromDay: DAY, toDay: DAY, requestedBy: "test" };
    return world.archive.db.insert(backtests).values(asked);
  },
  works: () => composed().backtests,
  result: [],
  answer: [],
};

const rowOf = async ({ table }: Kind) => {
  const [last] = await world.archive.db.select().from(table).orderBy(desc(table.id)).limit(1);
  return last;
};
const change = ({ table }: Kind, columns: SQL) =>
  world.archive.db.execute(sql`update ${table} set ${columns}`);
const endLease = (kind: Kind) => change(kind, sql`lease_until = now() - interval '1 second'`);

/** Works off what there is, with parts of it replaced, until the last one asked for has ended. */
async function workOffAll(kind: Kind, parts: Partial<Works<Claim, unknown>> = {}): Promise<void> {
  const stop = new AbortController();
  const working = workOff({ ...kind.works(), ...parts }, role, stop.signal);
  try {
    await vi.waitUntil(async () => ["done", "failed"].includes((await rowOf(kind))?.state ?? ""), {
      timeout: 120_000,
    });
  } finally {
    stop.abort();
    await working;
  }
}

async function forgetAll(): Promise<void> {
  for (const table of [verifications, backtests, backtestBuilds]) {
    await world.archive.db.delete(table);
  }
}

describe("what a process was at that ends", () => {
  const kinds = [VERIFICATION, BACKTEST];
  beforeEach(async () => {
    for (const { ask } of kinds) await ask();
  });
  afterEach(forgetAll);

  function startBatch(end: HaltedRun["end"]) {
    const { databaseUrl, clickhouseUrl, objectsDir, topic } = world.archive;
    const options: HaltedRun = { end, databaseUrl, clickhouseUrl, objectsDir, topic };
    return spawn(process.execPath, [PROGRAM, JSON.stringify(options)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
  }

  // A page that says for an hour that somebody counts, where nobody does.
  it("is begun again by another once the lease of a process that was killed is over", async () => {
    const child = startBatch("kill");
    expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);
    for (const kind of kinds) {
      const left = await rowOf(kind);
      expect(left).toMatchObject({ state: "running", attempts: 1, failures: 0 });
      expect(Number(left?.leaseUntil) - Date.now()).toBeLessThanOrEqual(LEASE_MS_MAX);
      await change(kind, sql`lease_until = now() + interval '1 minute'`);
      expect(await kind.works().take()).toBeNull();

      await endLease(kind);
      await workOffAll(kind);
      const ended = { attempts: 2, failures: 1, error: null, leaseUntil: null };
      expect(await rowOf(kind)).toMatchObject({ ...ended, state: "done", result: kind.result });
    }
  });

  // A deployment ends processes all the time, each within seconds, whatever they are at.
  it("is given back at once by one that is told to end, in the middle of a slice", async () => {
    const child = startBatch("halt");
    const exit = once(child, "exit");
    const [line] = await once(createInterface({ input: child.stdout }), "line");
    expect(line).toBe(HALTED);
    const states = async () => (await Promise.all(kinds.map(rowOf))).map((row) => row?.state);
    expect(await states()).toEqual(["running", "running"]);
    child.kill("SIGTERM");
    await vi.waitUntil(async () => (await states()).every((state) => state === "queued"), {
      timeout: 120_000,
    });
    // It has not ended yet: what it is at might take longer than it lives.
    expect([child.exitCode, child.signalCode]).toEqual([null, null]);
    for (const kind of kinds) {
      await workOffAll(kind);
      const ended = { state: "done", attempts: 2, failures: 0, result: kind.result };
      expect(await rowOf(kind)).toMatchObject(ended);
    }
    child.kill("SIGKILL");
    await exit;
  });
});

describe.each([
  ["verification", VERIFICATION],
  ["back-test", BACKTEST],
] as const)("a %s", (_, kind) => {
  const { ask, works, answer } = kind;
  beforeEach(async () => {
    await ask();
  });
  afterEach(forgetAll);

  const row = () => rowOf(kind);

  async function taken(): Promise<Claim> {
    const work = await works().take();
    if (work === null) throw new Error("the work was not handed out");
    return work;
  }

  // A process that stood still, and goes on where it stood.
  it("is written by its last worker alone", async () => {
    const late = await taken();
    await endLease(kind);
    const next = await taken();
    expect([late.attempt, next.attempt]).toEqual([1, 2]);
    const before = await row();

    await expect(works().finish(late, answer)).rejects.toThrow(JobLostError);
    await expect(works().renew(late)).rejects.toThrow(JobLostError);
    await works().handBack(late);
    await works().retry(late, "late");
    await works().fail(late, "late");
    expect(await row()).toEqual(before);
    await works().fail(next, "the last word");
    await expect(works().finish(late, answer)).rejects.toThrow(JobLostError);
    expect(await row()).toMatchObject({ state: "failed", error: "the last word", result: null });
  });

  it.each([
    ["taken up by another", sql`attempts = attempts + 1`],
    ["ended by hand", sql`state = 'failed', error = 'not wanted'`],
  ])("stops its worker when it was %s, which writes nothing", async (_how, columns) => {
    const run = async (_work: Claim, held: AbortSignal) => {
      await change(kind, columns);
      await vi.waitUntil(() => held.aborted, { timeout: 60_000 });
      // Too far gone to stop.
      return answer;
    };
    const stop = new AbortController();
    const finished = Promise.withResolvers<unknown>();
    const finish: Works<Claim, unknown>["finish"] = async (...args) => {
      const written = works().finish(...args);
      finished.resolve(written);
      await written;
    };
    const working = workOff({ ...works(), run, finish }, role, stop.signal);
    try {
      await expect(finished.promise).rejects.toThrow(JobLostError);
    } finally {
      stop.abort();
      await working;
    }
    expect(await row()).toMatchObject({ result: null, finishedAt: null });
    expect((await row())?.state).not.toBe("done");
  });

  it("is one worker's at a time, the oldest first", async () => {
    await ask();
    const all = await Promise.all(Array.from({ length: 6 }, () => works().take()));
    const ids = all.flatMap((work) => (work === null ? [] : [work.id]));
    expect(new Set(ids).size).toBe(2);
    expect(ids).toHaveLength(2);
  });

  // An engine that starts again takes no one's answer away; one that is broken does not work for ever.
  it("is tried again after an error that may pass, each time later, and then has failed", async () => {
    let tries = 0;
    const waits: (number | null)[] = [];
    const run = async () => {
      tries += 1;
      waits.push((await row())?.failures ?? null);
      throw new Error("the engine is away");
    };
    const retry = async (work: Claim, error: string) => {
      await works().retry(work, error);
      // Not before its time.
      expect(await works().take()).toBeNull();
      await change(kind, sql`lease_until = null`);
    };
    await workOffAll(kind, { run, retry });
    expect(waits).toEqual([0, 1, 2]);
    expect(tries).toBe(ATTEMPTS_MAX);
    const error = "the engine is away; that was failure 3 of 3";
    expect(await row()).toMatchObject({ state: "failed", error, leaseUntil: null });
  });

  it("fails at once where it would fail again", async () => {
    const run = () => Promise.reject(new JobRefusedError("archive object x is damaged"));
    await workOffAll(kind, { run });
    expect(await row()).toMatchObject({ state: "failed", error: "archive object x is damaged" });
  });

  it("fails after as many processes that died over it", async () => {
    for (let died = 0; died < ATTEMPTS_MAX; died += 1) {
      await taken();
      await endLease(kind);
    }
    expect(await works().take()).toBeNull();
    const error = "its runner died; that was failure 3 of 3";
    expect(await row()).toMatchObject({ state: "failed", error, failures: 3 });
  });
});

it("says how far a back-test is only while it is the last worker's", async () => {
  await BACKTEST.ask();
  const { backtests: works } = composed();
  const late = await works.take();
  await world.archive.db.update(backtests).set({ leaseUntil: new Date(0) });
  const next = await works.take();
  if (late === null || next === null) throw new Error("the work was not handed out");
  await expect(works.run(late, new AbortController().signal)).rejects.toThrow(JobLostError);
  const [row] = await world.archive.db.select().from(backtests).where(eq(backtests.id, next.id));
  expect(row).toMatchObject({ partitionsDone: 0, partitionsTotal: 1, attempts: 2 });
});
