import { storedEvent } from "@trueclick/archive/testing/storedEvents";
import { pipelineHealth } from "@trueclick/db/queries/pipeline";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type ArchiveWorld, openArchiveWorld } from "./testing/archiveWorld.ts";

let world: ArchiveWorld;
beforeAll(async () => {
  world = await openArchiveWorld();
});
afterAll(() => world.close());

// Both readers may stand still: how far they are from each other then says nothing of the log.
it("tells of each partition how many records the stream has yet to read, by the log's own end", async () => {
  const events = Array.from({ length: 60 }, (_, at) => storedEvent({ event_id: `evt-end-${at}` }));
  await world.append(events);
  await world.archiveAll();
  const lags = async () => {
    const { partitions } = await pipelineHealth({ db: world.db });
    return partitions.map(({ streamLagRecords }) => streamLagRecords);
  };
  const ends = async () => {
    const ranges = await Promise.all([0, 1].map((partition) => world.reader.offsets(partition)));
    return ranges.map(({ endOffset }) => endOffset);
  };
  const before = await ends();
  expect(before.every((end) => end > 0n)).toBe(true);
  expect(await lags()).toEqual(before);
  await world.append(events);
  expect(await lags()).toEqual(before.map((end) => end * 2n));
});
