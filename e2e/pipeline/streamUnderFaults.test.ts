import type { ChildProcess } from "node:child_process";
import { archiveCheckpoints } from "@trueclick/db/postgres/schema/archive";
import { streamCheckpoints, streamDirtyHours } from "@trueclick/db/postgres/schema/stream";
import { runReport } from "@trueclick/db/routing/report";
import type { Dimension, ReportQuery } from "@trueclick/db/routing/reportQuery";
import type { EventLogAppender, TopicReader } from "@trueclick/event-log";
import { kafkaAvailable } from "@trueclick/local-stack/kafka/jars";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cluster, end, startCluster, TOPIC } from "../support/aggregators.ts";
import { eventually } from "../support/api.ts";
import { FaultTraffic, seedCampaigns, type Totals } from "../support/faultTraffic.ts";

/** The soak takes 2,000,000: `STREAM_E2E_EVENTS=2000000`. */
const EVENTS = Number(process.env["STREAM_E2E_EVENTS"] ?? 200_000);
const PARTITIONS = 12;
/** What an operator makes of them in the middle. */
const GROWN_PARTITIONS = 16;
const HOUR_MS = 3_600_000;
/** For a machine that is busy otherwise; the soak is longer by its events. */
const SETTLED_WITHIN_MS = Math.max(240_000, EVENTS / 2);
const TIMEOUT_MS = Math.max(900_000, EVENTS * 2);

const SETTINGS = {
  ARCHIVE_FLUSH_INTERVAL_MS: "3000",
  BACKFILL_INTERVAL_MS: "1000",
  LOG_LEVEL: "info",
};

const kafka = await kafkaAvailable();
const ci = process.env["CI"] === "true";

describe.runIf(kafka.ok || ci)("two aggregators on a real Kafka, twelve partitions", () => {
  let cluster: Cluster;
  let reader: TopicReader;
  let appender: EventLogAppender;
  let aggregators: ChildProcess[];
  const traffic = new FaultTraffic("under-faults");
  /** Of its own: what is sent again across the growth goes to another partition, and counts twice. */
  const grownTraffic = new FaultTraffic("grown");
  const range = { fromMs: Date.now() - 6 * HOUR_MS, toMs: Date.now() + HOUR_MS };

  beforeAll(async () => {
    cluster = await startCluster(PARTITIONS, SETTINGS);
    await seedCampaigns(cluster.db);
    [reader, appender] = await Promise.all([
      cluster.log.reader(TOPIC),
      cluster.log.appender(TOPIC),
    ]);
    aggregators = [cluster.start(), cluster.start()];
  }, TIMEOUT_MS);
  afterAll(async () => {
    await Promise.all([reader?.close(), appender?.close()]);
    await cluster?.close();
  });

  const query = (change: Partial<ReportQuery>): ReportQuery => ({
    ...{ scope: { kind: "all" }, mode: "dashboard", granularity: "total", timeZone: "UTC" },
    ...{ dimensions: [], filters: {}, ...range, ...change },
  });

  async function counted(): Promise<Map<string, Totals>> {
    const { rows } = await runReport(cluster, query({ dimensions: ["campaign"] }));
    return new Map(
      rows.map((row) => [
        row.campaign ?? "",
        {
          clicks: row.clicks,
          robots: row.invalid_clicks,
          impressions: row.impressions,
          conversions: row.conversions,
          costMicros: row.cost_micros,
        },
      ]),
    );
  }

  /** All that a report can show of what was sent, hour by hour. */
  async function everything() {
    const details: Dimension[][] = [["ad"], ["geo"], ["device"], ["publisher"]];
    const answers = [];
    for (const detail of details) {
      const dimensions: Dimension[] = ["campaign", ...detail];
      const { rows } = await runReport(cluster, query({ granularity: "hour", dimensions }));
      answers.push(rows.map((row) => JSON.stringify(row)).sort());
    }
    return answers;
  }

  async function isSettled(): Promise<boolean> {
    const [stream, archive, dirty] = await Promise.all([
      cluster.db.select().from(streamCheckpoints),
      cluster.db.select().from(archiveCheckpoints),
      cluster.db.select().from(streamDirtyHours),
    ]);
    const isHealed = dirty.every((d) => d.healedAt !== null && d.healedAt >= d.markedAt);
    if (!isHealed || dirty.length === 0 || stream.length < GROWN_PARTITIONS) return false;
    const ends = await Promise.all(stream.map(({ partition }) => reader.offsets(partition)));
    const archived = new Map(archive.map((row) => [row.partition, row.nextOffset]));
    return stream.every(({ partition, nextOffset }, at) => {
      const endOffset = ends[at]?.endOffset;
      return nextOffset === endOffset && archived.get(partition) === endOffset;
    });
  }
  const settled = () => eventually(isSettled, (is) => is, SETTLED_WITHIN_MS);

  /** Kills one as a power cut would and puts another in its place. */
  async function replace(at: number): Promise<void> {
    const dying = aggregators[at];
    if (dying === undefined) throw new RangeError(`no aggregator ${at}`);
    await end(dying, "SIGKILL");
    aggregators[at] = cluster.start();
  }

  /** The readers take the new partitions on by themselves; the edges go over to them as they restart. */
  async function grow(): Promise<void> {
    await cluster.log.admin().growTopic(TOPIC, GROWN_PARTITIONS);
    await eventually(
      () => reader.refreshPartitionCount(),
      (is) => is === GROWN_PARTITIONS,
      SETTLED_WITHIN_MS,
    );
    await appender.close();
    appender = await cluster.log.appender(TOPIC);
  }

  // I1, I2, I4: nothing lost, nothing counted twice, whoever died when.
  it(
    "come to the ledger's totals through kills, a broker's restart, rebalances and more partitions",
    async () => {
      const portion = Math.ceil(EVENTS / 8);
      await traffic.send(appender, portion);
      const faults = [
        () => replace(0),
        async () => {
          await cluster.kafka.kill9();
          await cluster.kafka.restart();
        },
        () => replace(1),
        async () => void aggregators.push(cluster.start()),
        async () => {
          const leaving = aggregators.pop();
          if (leaving !== undefined) await end(leaving, "SIGTERM");
        },
      ];
      for (const fault of faults) await Promise.all([fault(), traffic.send(appender, portion)]);
      await grow();
      await Promise.all([replace(0), grownTraffic.send(appender, EVENTS - 6 * portion)]);

      expect(await settled()).toBe(true);
      const expected = sumOf(traffic.expected(), grownTraffic.expected());
      expect(expected.size).toBeGreaterThan(10);
      expect(sorted(await counted())).toEqual(sorted(expected));
    },
    TIMEOUT_MS,
  );

  it(
    "change no answer when the whole log is read again over the filled store",
    async () => {
      const before = await everything();
      expect(before.flat().length).toBeGreaterThan(100);
      await Promise.all(aggregators.map((aggregator) => end(aggregator, "SIGTERM")));
      await cluster.db.delete(streamCheckpoints);
      aggregators = [cluster.start(), cluster.start()];
      expect(await settled()).toBe(true);
      expect(await everything()).toEqual(before);
    },
    TIMEOUT_MS,
  );
});

function sumOf(one: ReadonlyMap<string, Totals>, other: ReadonlyMap<string, Totals>) {
  const sum = new Map(one);
  for (const [campaign, totals] of other) {
    const before = sum.get(campaign);
    sum.set(campaign, {
      clicks: totals.clicks + (before?.clicks ?? 0),
      robots: totals.robots + (before?.robots ?? 0),
      impressions: totals.impressions + (before?.impressions ?? 0),
      conversions: totals.conversions + (before?.conversions ?? 0),
      costMicros: totals.costMicros + (before?.costMicros ?? 0),
    });
  }
  return sum;
}

const sorted = (counts: ReadonlyMap<string, Totals>) =>
  [...counts].sort(([a], [b]) => a.localeCompare(b));
