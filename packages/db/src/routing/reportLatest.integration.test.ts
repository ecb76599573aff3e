/** Rows that the stream is writing to are told as they were a moment ago, say so, and are read meanwhile. */
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { HOUR_MS, MINUTE_MS } from "@trueclick/shared/time";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { streamCheckpoints } from "../postgres/schema/stream.ts";
import { LATE_AGE_MS_MAX, LATEST_AGE_MS_MAX, LatestAnswers } from "../queries/latestAnswers.ts";
import { fillAdvertiser, fillHot } from "../testing/fillStores.ts";
import { openTestStores, type TestStores } from "../testing/testStores.ts";
import { runReport } from "./report.ts";
import type { DatedRows, ReportQuery } from "./reportQuery.ts";

const TOPIC = "clicks.raw";
/** The tables forget minutes that are long past, so these are of the last ones. */
const NOW_MS = Math.floor(Date.now() / HOUR_MS) * HOUR_MS + 30 * MINUTE_MS;
const iso = (ms: number) => new Date(ms).toISOString();
const OLD_MS = LATEST_AGE_MS_MAX + 1;

let base: TestStores;
let stores: TestStores;
beforeAll(async () => {
  base = await openTestStores();
  for (const id of ["acme", "other"]) await fillAdvertiser(base, { id, campaigns: [`${id}-1`] });
});
afterAll(() => base.close());

const queryOf = (advertiser: string): ReportQuery => ({
  scope: { kind: "advertisers", ids: [advertiserIdSchema.parse(advertiser)] },
  mode: "dashboard",
  fromMs: NOW_MS - HOUR_MS,
  toMs: NOW_MS,
  granularity: "total",
  dimensions: [],
  timeZone: "UTC",
  filters: {},
});

async function ask(nowMs: number, advertiser = "acme") {
  const { rows, meta } = await runReport(stores, queryOf(advertiser), nowMs);
  const clicks = rows.reduce((sum, row) => sum + row.clicks, 0);
  return { clicks, asOf: Date.parse(meta.as_of), watermark: meta.watermark };
}

let flushes = 0n;
/** Rows of one more record in the stream's order; it has come to a minute. */
async function flush(clicks: number, watermarkMs: number, isCommitted = true): Promise<void> {
  flushes += 1n;
  const announced = { announcedOffset: flushes };
  await base.db
    .insert(streamCheckpoints)
    .values({
      topic: TOPIC,
      partition: 0,
      epoch: 1n,
      nextOffset: 0n,
      restartOffset: 0n,
      ...announced,
    })
    .onConflictDoUpdate({
      target: [streamCheckpoints.topic, streamCheckpoints.partition],
      set: announced,
    });
  const at = iso(NOW_MS - 5 * MINUTE_MS);
  const counts = { clicks, version: Number(flushes), at };
  await fillHot(base, [
    { advertiser: "acme", campaign: "acme-1", ...counts },
    { advertiser: "other", campaign: "other-1", ...counts, clicks: clicks * 100 },
  ]);
  if (!isCommitted) return;
  await base.db
    .update(streamCheckpoints)
    .set({ nextOffset: flushes, watermarkMs, updatedAt: new Date() });
}

/** Whoever asks waits for as long as it takes, unless that is said. */
function start(patience: () => Promise<void> = () => new Promise(() => {})): void {
  stores = { ...base, latest: new LatestAnswers<DatedRows>(undefined, patience) };
}

it("tells what was so before a flush for a moment, as of then, and then what is so", async () => {
  start();
  await flush(5, NOW_MS - 9 * MINUTE_MS);
  const before = { clicks: 5, asOf: NOW_MS, watermark: iso(NOW_MS - 9 * MINUTE_MS) };
  expect(await ask(NOW_MS)).toEqual(before);
  await flush(7, NOW_MS - 8 * MINUTE_MS);
  const soon = NOW_MS + LATEST_AGE_MS_MAX;
  const after = { clicks: 7, asOf: soon, watermark: iso(NOW_MS - 8 * MINUTE_MS) };
  expect(await ask(soon)).toEqual(before);
  // Read for nobody in particular meanwhile.
  await vi.waitFor(async () => expect(await ask(soon)).toEqual(after), { timeout: 120_000 });
});

it("shows a flush at once to whoever asks later than a moment after the last answer", async () => {
  start();
  await flush(8, NOW_MS);
  expect((await ask(NOW_MS)).clicks).toBe(8);
  await flush(9, NOW_MS);
  expect(await ask(NOW_MS + OLD_MS)).toMatchObject({ clicks: 9, asOf: NOW_MS + OLD_MS });
});

it("is as young while rows are being written, however long that takes", async () => {
  start();
  await flush(10, NOW_MS);
  expect((await ask(NOW_MS)).clicks).toBe(10);
  await flush(11, NOW_MS, false);
  expect((await ask(NOW_MS + OLD_MS)).clicks).toBe(11);
  await flush(12, NOW_MS, false);
  expect((await ask(NOW_MS + 2 * OLD_MS)).clicks).toBe(12);
  await flush(12, NOW_MS);
});

it("counts an answer that is known to be so as read again", async () => {
  start();
  expect((await ask(NOW_MS)).clicks).toBe(12);
  expect((await ask(NOW_MS + OLD_MS)).clicks).toBe(12);
  await flush(13, NOW_MS);
  expect(await ask(NOW_MS + OLD_MS + 1)).toMatchObject({ clicks: 12, asOf: NOW_MS + OLD_MS });
});

it("says of when it is what it tells because the next takes too long", async () => {
  start(async () => {});
  expect((await ask(NOW_MS)).clicks).toBe(13);
  await flush(14, NOW_MS);
  expect(await ask(NOW_MS + OLD_MS)).toMatchObject({ clicks: 13, asOf: NOW_MS });
  const tooOld = NOW_MS + LATE_AGE_MS_MAX + 1;
  await flush(13, NOW_MS);
  await vi.waitFor(
    async () => expect(await ask(tooOld)).toMatchObject({ clicks: 13, asOf: tooOld }),
    { timeout: 120_000 },
  );
});

it("tells nobody what was so of another's", async () => {
  start();
  expect((await ask(NOW_MS)).clicks).toBe(13);
  expect((await ask(NOW_MS, "other")).clicks).toBe(1_300);
  expect((await ask(NOW_MS, "nobody")).clicks).toBe(0);
  await flush(14, NOW_MS);
  expect((await ask(NOW_MS + 1, "other")).clicks).toBe(1_300);
  expect((await ask(NOW_MS + OLD_MS, "other")).clicks).toBe(1_400);
});
