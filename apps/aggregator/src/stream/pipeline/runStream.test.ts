import { LogUnavailableError } from "@trueclick/event-log";
import { expect, it } from "vitest";
import { soleLeases } from "../../leases/testing/testLeases.ts";
import { StaleEpochError } from "../ports/checkpointStore.ts";
import { StoreRejectedError, StoreUnavailableError } from "../ports/faults.ts";
import { BASE_MS, blockOf, CAMPAIGNS, HASH_KEY, storedClick } from "../testing/fixtures.ts";
import { MemoryLogReader } from "../testing/memoryLog.ts";
import { MemoryCheckpointStore, MemoryHotStore } from "../testing/memoryStores.ts";
import { type PartitionDeps, PartitionReader } from "./partitionReader.ts";
import { runStream } from "./runStream.ts";

const SETTINGS = {
  allowedLatenessMs: 600_000,
  openEntriesMax: 1_000,
  hashKey: HASH_KEY,
  flushIntervalMs: 1_000,
  readRecordsMax: 10,
  flushBytesMax: 1_000_000,
  waitingUsersMax: 1_000,
  readWaitMs: 0,
};

const LOG = Array.from({ length: 3 }, (_none, serial) => ({
  partition: 0,
  offset: BigInt(serial),
  appendTimeMs: BASE_MS,
  value: blockOf([storedClick({ event_id: `evt-0000000${serial}` })]),
}));

const logFrom = (startOffset: bigint) => ({ startOffset, endOffset: startOffset });

/** A stream over memory that is told to stop once a flush has come to the end of the log. */
function streamOver(log: MemoryLogReader) {
  const stopping = new AbortController();
  const deadline = new AbortController();
  const told: string[] = [];
  const hotStore = new MemoryHotStore();
  const checkpoints = new MemoryCheckpointStore();
  const deps: PartitionDeps = {
    log,
    hotStore,
    checkpoints,
    campaigns: { snapshotFor: async () => CAMPAIGNS },
    observer: {
      owned: () => {},
      flushed: (_partition, { checkpoint, cells }) => {
        told.push(`flushed ${cells} cells to ${checkpoint.nextOffset}`);
        stopping.abort();
      },
      retrying: (_partition, step, error) => told.push(`retrying ${step}: ${error.name}`),
      recovered: (_partition, step) => told.push(`recovered ${step}`),
      stopped: (_partition, reason) => {
        told.push(`stopped: ${reason}`);
        stopping.abort();
      },
      expired: (_partition, { fromOffset, toOffset }) => {
        told.push(`expired ${fromOffset} to ${toOffset}`);
      },
      released: () => {},
    },
    delay: async () => {},
    random: () => 0.5,
    nowMs: () => 0,
  };
  const signals = { stopping: stopping.signal, deadline: deadline.signal };
  return { deps, signals, stopping, deadline, told, hotStore, checkpoints };
}

/** Fails as often as told, then does what it should. */
function failing<Args extends unknown[], Result>(
  faults: Error[],
  act: (...args: Args) => Promise<Result>,
) {
  return async (...args: Args) => {
    const fault = faults.shift();
    if (fault !== undefined) throw fault;
    return act(...args);
  };
}

// Otherwise a long interval over a busy log fills memory with users.
it("reads on only when the users that wait are written", async () => {
  const { deps, signals, told } = streamOver(new MemoryLogReader(LOG));
  const settings = { ...SETTINGS, readRecordsMax: 1, waitingUsersMax: 2 };
  await runStream(deps, settings, soleLeases(1), signals);
  expect(told).toEqual(["flushed 4 cells to 2"]);
});

it("writes together what was there to read, once", async () => {
  const { deps, signals, told } = streamOver(new MemoryLogReader(LOG));
  await runStream(deps, SETTINGS, soleLeases(1), signals);
  expect(told).toEqual(["flushed 4 cells to 3"]);
});

it("rides out every store's and the log's passing faults", async () => {
  const { deps, signals, told, hotStore, checkpoints } = streamOver(new MemoryLogReader(LOG));
  const { log } = deps;
  // The log was empty then: of none of its records may there be rows.
  await checkpoints.acquire(0, logFrom(0n));
  const away = () => [new StoreUnavailableError("away"), new StoreUnavailableError("away")];
  await runStream(
    {
      ...deps,
      log: {
        ...{ topic: log.topic, partitionCount: 1, close: () => log.close() },
        offsets: (partition) => log.offsets(partition),
        read: failing([new LogUnavailableError("away")], (request) => log.read(request)),
        release: (records) => log.release(records),
      },
      hotStore: {
        writeCells: failing(away(), (partition, cells) => hotStore.writeCells(partition, cells)),
        writeUsers: failing(away(), (users) => hotStore.writeUsers(users)),
        writeRejects: (rejects) => hotStore.writeRejects(rejects),
      },
      checkpoints: {
        acquire: failing(away(), (partition, log) => checkpoints.acquire(partition, log)),
        announce: failing(away(), (owner, offset) => checkpoints.announce(owner, offset)),
        commit: failing(away(), (...commit) => checkpoints.commit(...commit)),
        skipExpired: (owner, start) => checkpoints.skipExpired(owner, start),
      },
    },
    SETTINGS,
    soleLeases(1),
    signals,
  );
  expect(hotStore.cells.size).toBe(4);
  expect(checkpoints.rows.get(0)?.checkpoint.nextOffset).toBe(3n);
  expect(told.filter((line) => line.startsWith("recovered"))).toEqual([
    "recovered acquire",
    "recovered read",
    "recovered announce",
    "recovered cells",
    "recovered users",
    "recovered commit",
  ]);
});

it("stops, uncommitted, at a fault that will not pass", async () => {
  const { deps, signals, checkpoints } = streamOver(new MemoryLogReader(LOG));
  const refuse = async () => {
    throw new StoreRejectedError("no such table");
  };
  const hotStore = { writeCells: refuse, writeUsers: refuse, writeRejects: refuse };
  const running = runStream({ ...deps, hotStore }, SETTINGS, soleLeases(1), signals);
  await expect(running).rejects.toBeInstanceOf(StoreRejectedError);
  expect(checkpoints.rows.get(0)?.checkpoint.nextOffset).toBe(0n);
});

it("leaves it to the next start when the deadline comes before the store does", async () => {
  const { deps, signals, stopping, deadline, checkpoints } = streamOver(new MemoryLogReader(LOG));
  const away = async () => {
    stopping.abort();
    deadline.abort();
    throw new StoreUnavailableError("away");
  };
  const hotStore = { writeCells: away, writeUsers: away, writeRejects: away };
  await runStream({ ...deps, hotStore }, SETTINGS, soleLeases(1), signals);
  expect(checkpoints.rows.get(0)?.checkpoint.nextOffset).toBe(0n);
});

// What is lost here is counted again from the archive; to stand still would lose more.
it("goes on behind the gap, and says so, when the log has expired under the checkpoint", async () => {
  const { deps, signals, told, checkpoints } = streamOver(new MemoryLogReader(LOG.slice(1), 1n));
  await checkpoints.acquire(0, logFrom(0n));
  await runStream(deps, SETTINGS, soleLeases(1), signals);
  expect(told).toEqual(["expired 0 to 1", "flushed 4 cells to 3"]);
});

it("counts nothing when the log ends before the checkpoint: it is another log", async () => {
  const { deps, signals, told, hotStore, checkpoints } = streamOver(new MemoryLogReader(LOG));
  await checkpoints.acquire(0, logFrom(7n));
  await runStream(deps, SETTINGS, soleLeases(1), signals);
  expect(told).toEqual(["stopped: offset_out_of_range"]);
  expect(hotStore.cells.size).toBe(0);
});

it("marks the hours of late events with the checkpoint that passes them", async () => {
  const late = [
    storedClick({ event_id: "evt-late-1", event_time: BASE_MS - 3_600_000 }),
    storedClick({ event_id: "evt-late-2", event_time: BASE_MS - 3_600_001 }),
    storedClick({ event_id: "evt-late-3", event_time: BASE_MS, campaign_id: "cmp_unknown" }),
  ];
  const record = { ...LOG[0], partition: 0, offset: 0n, appendTimeMs: BASE_MS + 3_600_000 };
  const log = new MemoryLogReader([{ ...record, value: blockOf(late) }]);
  const { deps, signals, checkpoints } = streamOver(log);
  await runStream(deps, SETTINGS, soleLeases(1), signals);
  const hourMs = Math.floor((BASE_MS - 3_600_000) / 3_600_000) * 3_600_000;
  const hours = checkpoints.marks.flatMap(({ hoursMs }) => hoursMs);
  expect(new Set(hours)).toEqual(
    new Set([hourMs, Math.floor((BASE_MS - 3_600_001) / 3_600_000) * 3_600_000]),
  );
});

/** A reader that decides once, on its first commit, that events may come so late from then on. */
async function readerOver(deps: PartitionDeps, allowedLatenessMs: number | null) {
  const decided =
    allowedLatenessMs === null ? null : { level: 0, allowedLatenessMs, cause: "late" };
  const governor = () => ({ decide: () => decided });
  const settings = { ...SETTINGS, partition: 0, allowedLatenessMs: 60_000 };
  const never = new AbortController().signal;
  const signals = { stopping: never, deadline: never };
  return PartitionReader.open({ ...deps, governor }, settings, signals);
}

// It reads on, not knowing that it is deposed, nor that its successor lets later events in by now: its
// evidence would say of an event that it is late which a cell counts. Should it die before it is told
// that it is deposed, nobody would know of that.
it("writes nothing of what lies behind a change that it does not know of", async () => {
  const [first] = LOG;
  const eventTimeMs = BASE_MS + 60_000;
  const event = storedClick({ event_id: "evt-slow-1", event_time: eventTimeMs });
  const slow = {
    partition: 0,
    offset: 2n,
    appendTimeMs: BASE_MS + 300_000,
    value: blockOf([event]),
  };
  const records = first === undefined ? [] : [first];
  const { deps, hotStore, checkpoints } = streamOver(new MemoryLogReader(records));
  const deposed = await readerOver(deps, null);
  await deposed.step();
  const owner = await readerOver(deps, 600_000);
  // By a record that is no news, but for how late events may be.
  records.push({ ...slow, offset: 1n, appendTimeMs: BASE_MS, value: blockOf(["no event"]) });
  await owner.step();
  records.push(slow);
  await expect(deposed.step()).rejects.toBeInstanceOf(StaleEpochError);
  expect(hotStore.rejects.get("0:2:0")).toBeUndefined();
  await owner.step();
  const minutesMs = [...hotStore.cells.values()].map((cell) => cell.windowStartMs);
  expect(minutesMs).toContain(eventTimeMs);
  expect(checkpoints.marks).toEqual([]);
});

// Its predecessor has rows there, without a commit, that were counted as before.
it("changes no counting of records that a former owner has announced", async () => {
  const { deps, checkpoints, hotStore } = streamOver(new MemoryLogReader(LOG));
  const dying = async () => {
    throw new StoreRejectedError("gone");
  };
  const kept: PartitionDeps["checkpoints"] = {
    acquire: (partition, log) => checkpoints.acquire(partition, log),
    announce: (owner, offset) => checkpoints.announce(owner, offset),
    skipExpired: (owner, start) => checkpoints.skipExpired(owner, start),
    commit: dying,
  };
  const former = await readerOver({ ...deps, checkpoints: kept }, null);
  await expect(former.step()).rejects.toBeInstanceOf(StoreRejectedError);
  expect(hotStore.cells.size).toBe(4);
  const settings = { ...SETTINGS, partition: 0, readRecordsMax: 1, flushBytesMax: 1 };
  const decided = { level: 0, allowedLatenessMs: 1_200_000, cause: "late" };
  const never = new AbortController().signal;
  const governed = { ...deps, governor: () => ({ decide: () => decided }) };
  const own = await PartitionReader.open(governed, settings, { stopping: never, deadline: never });
  for (let record = 0; record < LOG.length; record += 1) await own.step();
  expect(checkpoints.modes.get(0)).toEqual([{ ...decided, offsetFrom: 3n }]);
});

// The alarm would be lost with the answer, and nobody would know of the gap.
it("says that the log had expired though the answer was lost that it is passed", async () => {
  const { deps, signals, told, checkpoints } = streamOver(new MemoryLogReader(LOG.slice(1), 1n));
  await checkpoints.acquire(0, logFrom(0n));
  let answers = 0;
  const bound: PartitionDeps["checkpoints"] = {
    acquire: (partition, log) => checkpoints.acquire(partition, log),
    announce: (owner, offset) => checkpoints.announce(owner, offset),
    commit: (...commit) => checkpoints.commit(...commit),
    skipExpired: async (owner, startOffset) => {
      const gap = await checkpoints.skipExpired(owner, startOffset);
      answers += 1;
      if (answers === 1) throw new StoreUnavailableError("away");
      return gap;
    },
  };
  await runStream({ ...deps, checkpoints: bound }, SETTINGS, soleLeases(1), signals);
  expect(told).toContain("expired 0 to 1");
});

it("marks the hours that a log cuts which it never read before, and none of a whole one", async () => {
  const cut = streamOver(new MemoryLogReader(LOG.slice(1), 1n));
  await runStream(cut.deps, SETTINGS, soleLeases(1), cut.signals);
  const hoursMs = [BASE_MS - 3_600_000, BASE_MS, BASE_MS + 3_600_000];
  expect(cut.checkpoints.marks).toEqual([{ partition: 0, cause: "expired", hoursMs }]);
  const whole = streamOver(new MemoryLogReader(LOG));
  await runStream(whole.deps, SETTINGS, soleLeases(1), whole.signals);
  expect(whole.checkpoints.marks).toEqual([]);
});
