/** Hand-filled evidence about single events, as archive, stream and batch write it. */
import type { Verdict } from "@trueclick/shared/verdict";
import { eq } from "drizzle-orm";
import { archiveCheckpoints, archiveObjects } from "../postgres/schema/archive.ts";
import { streamCheckpoints } from "../postgres/schema/stream.ts";
import { batchJobObjects, batchJobs } from "../postgres/schema/truth.ts";
import type { Stores } from "../stores.ts";

const TOPIC = "clicks.raw";
const HOUR_MS = 3_600_000;

export interface EventFill {
  readonly id?: string;
  readonly campaign: string;
  /** ISO 8601. */
  readonly at: string;
  readonly partition?: number;
  readonly offset: number;
  readonly type?: "click" | "impression" | "conversion";
}

const hourOf = (iso: string) => Math.floor(Date.parse(iso) / HOUR_MS) * HOUR_MS;
const idOf = ({ id, partition = 0, offset }: EventFill) => id ?? `event-${partition}-${offset}`;

function coordinatesOf({ partition = 0, offset }: EventFill) {
  return { partition, offset, index: 0 };
}

/** Puts events into the row index, each at the row of its offset in an object of its own hour. */
export async function fillIndex({ clickhouse }: Stores, events: readonly EventFill[]) {
  await clickhouse.insert({
    table: "event_index",
    format: "JSONEachRow",
    values: events.map((event) => ({
      ...coordinatesOf(event),
      event_id: idOf(event),
      campaign_id: event.campaign,
      event_type: event.type ?? "click",
      event_hour: hourOf(event.at) / 1_000,
      event_time: new Date(event.at).toISOString().replace("Z", ""),
      path: "of the index",
      row: event.offset,
    })),
  });
}

export function fillStreamRejects(
  stores: Stores,
  advertiser: string,
  events: readonly (EventFill & { readonly reason: string })[],
) {
  return fillEvidence(stores, "stream_rejects", advertiser, events);
}

/** What a backfill found; an empty reason: counted after all. */
export function fillCorrections(
  stores: Stores,
  advertiser: string,
  events: readonly (EventFill & { readonly reason: string })[],
) {
  return fillEvidence(stores, "stream_corrections", advertiser, events);
}

async function fillEvidence(
  { clickhouse }: Stores,
  table: "stream_rejects" | "stream_corrections",
  advertiser: string,
  events: readonly (EventFill & { readonly reason: string })[],
) {
  await clickhouse.insert({
    table,
    format: "JSONEachRow",
    values: events.map((event) => ({
      ...coordinatesOf(event),
      advertiser_id: advertiser,
      campaign_id: event.campaign,
      event_hour: hourOf(event.at) / 1_000,
      event_id: idOf(event),
      event_type: event.type ?? "click",
      reason: event.reason,
      event_time: new Date(event.at).toISOString().replace("Z", ""),
      append_time: new Date(event.at).toISOString().replace("Z", ""),
    })),
  });
}

export async function fillTruthRejects(
  { clickhouse }: Stores,
  build: { readonly id: number; readonly advertiser: string; readonly day: string },
  events: readonly (EventFill & { readonly verdict: Verdict })[],
) {
  await clickhouse.insert({
    table: "truth_rejects",
    format: "JSONEachRow",
    values: events.map((event) => ({
      ...coordinatesOf(event),
      advertiser_id: build.advertiser,
      billing_day: build.day,
      build_id: build.id,
      campaign_id: event.campaign,
      event_hour: hourOf(event.at) / 1_000,
      event_id: idOf(event),
      event_type: event.type ?? "click",
      verdict: event.verdict,
    })),
  });
}

export interface ObjectFill {
  /** ISO 8601, a whole hour. */
  readonly hour: string;
  readonly partition?: number;
  readonly first: number;
  readonly last: number;
}

export const objectPath = ({ hour, partition = 0, first, last }: ObjectFill) =>
  `raw/event_hour=${hour.slice(0, 13)}/p${partition}-${first}-${last}.parquet`;

const sha256Of = ({ first }: ObjectFill) => String(first % 10).repeat(64);

/** Adds objects to the manifest. */
export async function fillManifest({ db }: Stores, objects: readonly ObjectFill[]) {
  await db.insert(archiveObjects).values(
    objects.map((object) => ({
      path: objectPath(object),
      topic: TOPIC,
      partition: object.partition ?? 0,
      firstOffset: BigInt(object.first),
      lastOffset: BigInt(object.last),
      eventHour: new Date(object.hour),
      rows: 1n,
      bytes: 100n,
      sha256: sha256Of(object),
    })),
  );
}

/** Makes objects part of what a job pinned. */
export async function pinObjects({ db }: Stores, jobId: number, objects: readonly ObjectFill[]) {
  await db.insert(batchJobObjects).values(
    objects.map((object) => ({
      jobId: BigInt(jobId),
      path: objectPath(object),
      sha256: sha256Of(object),
      rows: 1n,
    })),
  );
  const ofHour = Map.groupBy(objects, ({ hour }) => String(Date.parse(hour) / 1_000));
  const hourRows = Object.fromEntries([...ofHour].map(([hour, own]) => [hour, own.length]));
  await db.update(batchJobs).set({ hourRows }).where(eq(batchJobs.id, jobId));
}

/** Puts both readers of a partition at their next offsets. */
export async function fillCheckpoints(
  { db }: Stores,
  next: {
    readonly partition: number;
    readonly stream: number;
    readonly archive: number;
    readonly watermark: string;
    readonly totals?: Partial<typeof streamCheckpoints.$inferInsert>;
  },
) {
  const key = { topic: TOPIC, partition: next.partition, epoch: 1n };
  const nextOffset = BigInt(next.stream);
  const stream = { nextOffset, restartOffset: nextOffset, watermarkMs: Date.parse(next.watermark) };
  await db
    .insert(streamCheckpoints)
    .values({ ...key, ...stream, ...next.totals })
    .onConflictDoUpdate({
      target: [streamCheckpoints.topic, streamCheckpoints.partition],
      set: { ...stream, ...next.totals },
    });
  await db
    .insert(archiveCheckpoints)
    .values({ ...key, nextOffset: BigInt(next.archive) })
    .onConflictDoUpdate({
      target: [archiveCheckpoints.topic, archiveCheckpoints.partition],
      set: { nextOffset: BigInt(next.archive) },
    });
}
