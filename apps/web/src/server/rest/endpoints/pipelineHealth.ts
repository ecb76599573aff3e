import { unexplainedDrift } from "@trueclick/db/queries/driftWatch";
import { pipelineHealth } from "@trueclick/db/queries/pipeline";
import { type EventCost, eventCost } from "@trueclick/db/queries/processorUse";
import { lastLevelChanges } from "@trueclick/db/queries/streamLevels";
import { z } from "zod";
import { jsonAnswer, toExactNumber, toIsoOrNull } from "../answer.ts";
import { defineEndpoint } from "../endpoint.ts";

const price = (micros: number) =>
  z.coerce.number().int().min(0).max(1_000_000_000_000).default(micros);

const partitionSchema = z.object({
  topic: z.string(),
  partition: z.int(),
  stream_next_offset: z.string().nullable(),
  archive_next_offset: z.string().nullable(),
  stream_lag_records: z
    .int()
    .nullable()
    .describe(
      "Records of the log that the stream has not read; of a Kafka as its end was seconds ago",
    ),
  archive_lag_records: z.int().describe("Negative where the archive is ahead of the stream"),
  watermark: z.string().nullable(),
  newest_event_at: z.string().nullable(),
  level: z.int(),
  streamed_events: z.int(),
  archived_events: z.int(),
  difference: z.int().nullable().describe("Streamed less archived at one offset: always 0"),
});

const answer = z.object({
  as_of: z.string(),
  identity: z
    .object({
      received: z.int(),
      counted: z.int(),
      duplicate: z.int(),
      invalid: z.int(),
      late: z.int(),
      quarantined: z.int(),
      in_flight: z.int(),
    })
    .describe("received = counted + duplicate + invalid + late + quarantined + in_flight"),
  late_rate: z.number().nullable(),
  duplicate_rate: z.number().nullable(),
  degradation_level: z
    .int()
    .describe("0 whole, 1 no unique users, 2 campaign × ad only, 3 rows written less often"),
  level_changes: z
    .array(
      z.object({
        topic: z.string(),
        partition: z.int(),
        offset_from: z.string(),
        level: z.int(),
        allowed_lateness_ms: z.int(),
        cause: z.string(),
        changed_at: z.string(),
      }),
    )
    .describe("The last 20, newest first: from which offset on a partition was counted how"),
  watermark: z.string().nullable(),
  newest_event_at: z.string().nullable(),
  freshness_ms: z.int().nullable().describe("Since the newest event that the stream has read"),
  dirty_hours: z.int().describe("Hours that wait to be counted again from the archive"),
  log_gaps: z
    .object({ found: z.int(), lost: z.int() })
    .describe("Stretches that expired before the stream read them; those the archive lacks, too"),
  drift: z
    .object({
      unexplained_clicks: z.int().describe("Sum of the differences without their signs; must be 0"),
      unexplained_places: z.int().describe("Campaigns times hours"),
      since: z.string().nullable(),
      checked_at: z.string().nullable().describe("When a look at it last came to its end"),
      largest: z.array(
        z.object({
          advertiser: z.string(),
          campaign: z.string(),
          hour: z.string(),
          unexplained: z.int(),
        }),
      ),
    })
    .describe("Where stream and truth differ without a cause, in the hours of 35 days"),
  cost: z
    .object({
      per_billion_events_micros: z.int().nullable().describe("Processors and a month of archive"),
      currency: z.string(),
      processors_micros: z.int().nullable(),
      archive_month_micros: z.int().nullable(),
      events: z.int().describe("Archived in the last 24 whole hours, in which this was measured"),
      processor_seconds: z.array(z.object({ program: z.string(), seconds: z.number() })),
      archived_bytes_per_event: z.number().nullable(),
      not_measured: z.array(z.string()).describe("Whose processors are in no number here"),
    })
    .describe("Of a billion events, at the prices asked for"),
  archive: z.object({ objects: z.int(), bytes: z.int(), newest_object_at: z.string().nullable() }),
  partitions: z.array(partitionSchema),
});

export const pipelineHealthEndpoint = defineEndpoint({
  path: "/health/pipeline",
  summary: "Whether every received event is accounted for, and how far each reader of the log is",
  scope: "pipeline:read",
  operatorOnly: true,
  params: z.object({
    core_hour_micros: price(40_000).describe("Price of one core for an hour"),
    gb_month_micros: price(23_000).describe("Price of a gigabyte of the archive for a month"),
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/, "must be ISO 4217, upper case")
      .default("USD")
      .describe("Of the prices"),
  }),
  answer,
  async handle({ stores, nowMs }, asked) {
    const prices = { coreHourMicros: asked.core_hour_micros, gbMonthMicros: asked.gb_month_micros };
    const [health, levelChanges, drift, cost] = await Promise.all([
      pipelineHealth(stores),
      lastLevelChanges(stores),
      unexplainedDrift(stores),
      eventCost(stores, prices, nowMs),
    ]);
    const { identity, archive } = health;
    return jsonAnswer(answer, {
      as_of: new Date(nowMs).toISOString(),
      identity: {
        received: toExactNumber(identity.received),
        counted: toExactNumber(identity.counted),
        duplicate: toExactNumber(identity.duplicate),
        invalid: toExactNumber(identity.invalid),
        late: toExactNumber(identity.late),
        quarantined: toExactNumber(identity.quarantined),
        in_flight: toExactNumber(identity.inFlight),
      },
      late_rate: health.lateRate,
      duplicate_rate: health.duplicateRate,
      degradation_level: health.level,
      level_changes: levelChanges.map((change) => ({
        topic: change.topic,
        partition: change.partition,
        offset_from: change.offsetFrom.toString(),
        level: change.level,
        allowed_lateness_ms: change.allowedLatenessMs,
        cause: change.cause,
        changed_at: change.changedAt.toISOString(),
      })),
      watermark: isoOfMs(health.watermarkMs),
      newest_event_at: isoOfMs(health.newestEventMs),
      freshness_ms:
        health.newestEventMs === null ? null : Math.max(0, nowMs - health.newestEventMs),
      dirty_hours: health.dirtyHours,
      log_gaps: health.gaps,
      drift: {
        unexplained_clicks: drift.clicks,
        unexplained_places: drift.places,
        since: isoOfMs(drift.sinceMs),
        checked_at: isoOfMs(drift.checkedMs),
        largest: drift.largest.map(({ advertiserId, campaignId, hourMs, unexplained }) => ({
          ...{ advertiser: advertiserId, campaign: campaignId },
          ...{ hour: new Date(hourMs).toISOString(), unexplained },
        })),
      },
      cost: toCost(cost, asked.currency),
      archive: {
        objects: archive.objects,
        bytes: toExactNumber(archive.bytes),
        newest_object_at: toIsoOrNull(archive.newestObjectAt),
      },
      partitions: health.partitions.map((partition) => ({
        topic: partition.topic,
        partition: partition.partition,
        stream_next_offset: partition.streamNextOffset?.toString() ?? null,
        archive_next_offset: partition.archiveNextOffset?.toString() ?? null,
        stream_lag_records:
          partition.streamLagRecords === null ? null : toExactNumber(partition.streamLagRecords),
        archive_lag_records: toExactNumber(partition.archiveLagRecords),
        watermark: isoOfMs(partition.watermarkMs),
        newest_event_at: isoOfMs(partition.appendTimeMs),
        level: partition.level,
        streamed_events: toExactNumber(partition.streamedEvents),
        archived_events: toExactNumber(partition.archivedEvents),
        difference: partition.difference === null ? null : toExactNumber(partition.difference),
      })),
    });
  },
});

const isoOfMs = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

/** The log may be a Kafka or Postgres; neither says what its processors do. */
const NOT_MEASURED = ["postgres", "kafka"];

function toCost(cost: EventCost, currency: string): z.output<typeof answer>["cost"] {
  return {
    per_billion_events_micros: cost.perBillionEventsMicros,
    currency,
    processors_micros: cost.processorsMicros,
    archive_month_micros: cost.archiveMonthMicros,
    events: cost.events,
    processor_seconds: [...cost.processors],
    archived_bytes_per_event: cost.archivedBytes,
    not_measured: NOT_MEASURED,
  };
}
