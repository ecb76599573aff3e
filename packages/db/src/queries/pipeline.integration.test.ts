import { afterAll, beforeAll, expect, it } from "vitest";
import { archiveStretches } from "../postgres/schema/archive.ts";
import { quarantineCheckpoints } from "../postgres/schema/quarantine.ts";
import { streamDirtyHours, streamGaps } from "../postgres/schema/stream.ts";
import { fillCheckpoints } from "../testing/fillEvents.ts";
import { openTestStores, type TestStores } from "../testing/testStores.ts";
import { noteLogEnds } from "./logEnds.ts";
import { pipelineHealth } from "./pipeline.ts";

let stores: TestStores;
beforeAll(async () => {
  stores = await openTestStores();
});
afterAll(() => stores.close());

const watermark = "2026-10-30T10:00:00Z";

async function archive(partition: number, events: bigint, lastOffset: bigint) {
  const stretch = { topic: "clicks.raw", partition, firstOffset: 0n, lastOffset, events };
  await stores.db.insert(archiveStretches).values(stretch);
}

it("has nothing to report before the first event, and does not fail for it", async () => {
  expect(await pipelineHealth(stores)).toMatchObject({
    dirtyHours: 0,
    gaps: { found: 0, lost: 0 },
    partitions: [],
    identity: { received: 0n, quarantined: 0n, inFlight: 0n },
    lateRate: null,
    level: 0,
    watermarkMs: null,
  });
});

it("accounts for every received event, and names what is in flight", async () => {
  // The stream is ahead in partition 0, the archive in 1, and both are level in 2.
  const totals = { countedTotal: 8n, duplicateTotal: 1n, invalidTotal: 0n, lateTotal: 1n };
  await fillCheckpoints(stores, { partition: 0, stream: 10, archive: 4, watermark, totals });
  await fillCheckpoints(stores, { partition: 1, stream: 5, archive: 9, watermark, totals });
  await fillCheckpoints(stores, { partition: 2, stream: 7, archive: 7, watermark, totals });
  await archive(0, 4n, 3n);
  await archive(1, 16n, 8n);
  await archive(2, 11n, 6n);

  await stores.db.insert(quarantineCheckpoints).values([
    { topic: "clicks.quarantine", partition: 0, nextOffset: 9n, refusedTotal: 5n },
    { topic: "clicks.quarantine", partition: 1, nextOffset: 2n, refusedTotal: 40n },
  ]);

  const health = await pipelineHealth(stores);
  const { received, counted, duplicate, invalid, late, quarantined, inFlight } = health.identity;
  expect(inFlight).toBe(6n);
  expect(quarantined).toBe(45n);
  expect(received).toBe(81n);
  expect(received).toBe(counted + duplicate + invalid + late + quarantined + inFlight);
  expect(health).toMatchObject({ lateRate: 0.1, duplicateRate: 0.1 });
  // Level at one offset and yet one event apart: somebody lost or doubled it.
  expect(health.partitions.map((p) => [p.archiveLagRecords, p.difference])).toEqual([
    [6n, null],
    [-4n, null],
    [0n, -1n],
  ]);
  // No log of ours is in this database, as with a Kafka: its end is what somebody was told last.
  expect(health.partitions.map((p) => p.streamLagRecords)).toEqual([null, null, null]);
  await noteLogEnds(stores, "clicks.raw", async () => [15n, 5n, 6n]);
  const { partitions } = await pipelineHealth(stores);
  expect(partitions.map((p) => p.streamLagRecords)).toEqual([5n, 0n, 0n]);
});

it("shows hours that wait for the archive, and stretches that nobody has", async () => {
  const hour = { topic: "clicks.raw", eventHour: new Date("2026-10-30T10:00:00Z") };
  const later = new Date(Date.now() + 60_000);
  await stores.db.insert(streamDirtyHours).values([
    { ...hour, cause: "late" },
    { ...hour, cause: "expired" },
    { ...hour, eventHour: new Date("2026-10-30T11:00:00Z"), cause: "late", healedAt: later },
  ]);
  const gap = { topic: "clicks.raw", partition: 0, offsetTo: 9n, hours: 1 };
  await stores.db.insert(streamGaps).values([
    { ...gap, offsetFrom: 0n, archived: true },
    { ...gap, offsetFrom: 5n, archived: false },
  ]);
  const health = await pipelineHealth(stores);
  expect(health).toMatchObject({ dirtyHours: 1, gaps: { found: 2, lost: 1 } });
});
