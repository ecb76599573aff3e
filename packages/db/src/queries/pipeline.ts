import { count, isNull, max, sum } from "drizzle-orm";
import {
  archiveCheckpoints,
  archiveObjects,
  archiveStretches,
} from "../postgres/schema/archive.ts";
import { quarantineCheckpoints } from "../postgres/schema/quarantine.ts";
import { streamCheckpoints } from "../postgres/schema/stream.ts";
import type { Stores } from "../stores.ts";
import { type HealingHealth, healingHealth } from "./healing.ts";
import { logKeyOf as keyOf, logEnds } from "./logEnds.ts";

/** One partition of the log as its two readers stand in it. */
export interface PartitionHealth {
  readonly topic: string;
  readonly partition: number;
  /** The offset that each reads next; null before it first did. */
  readonly streamNextOffset: bigint | null;
  readonly archiveNextOffset: bigint | null;
  /** Records of the log that the stream has not read yet; null where nobody has asked for its end. */
  readonly streamLagRecords: bigint | null;
  /** Records that the archive is behind the stream; negative when it is ahead. */
  readonly archiveLagRecords: bigint;
  readonly watermarkMs: number | null;
  /** Append time of the newest event that the stream has read. */
  readonly appendTimeMs: number | null;
  /** Degradation level, 0 to 3. */
  readonly level: number;
  readonly streamedEvents: bigint;
  readonly archivedEvents: bigint;
  /**
   * Events by which stream and archive differ where both have read as far: always 0, or one of
   * them has lost or doubled some. Null where they have not.
   */
  readonly difference: bigint | null;
  readonly streamUpdatedAt: Date | null;
}

/** received = counted + duplicate + invalid + late + quarantined + inFlight (invariant I2). */
export interface PipelineIdentity {
  /**
   * What the edges took, by what has been read of it: events of the log, by the reader that is further in each
   * partition, and what was refused. Something that is replayed from the quarantine was received twice.
   */
  readonly received: bigint;
  readonly counted: bigint;
  readonly duplicate: bigint;
  readonly invalid: bigint;
  readonly late: bigint;
  /** Refused by the edges, whether its bytes were kept or, in a flood, only its number. */
  readonly quarantined: bigint;
  /** Archived, and not counted by the stream yet. */
  readonly inFlight: bigint;
}

export interface PipelineHealth extends HealingHealth {
  readonly partitions: readonly PartitionHealth[];
  readonly identity: PipelineIdentity;
  /** Of the events that the stream has read, 0 to 1; null before any. */
  readonly lateRate: number | null;
  readonly duplicateRate: number | null;
  /** The highest degradation level of any partition, 0 to 3. */
  readonly level: number;
  /** The least of the partitions' watermarks; null before any event. */
  readonly watermarkMs: number | null;
  /** Append time of the newest event that the stream has read in any partition. */
  readonly newestEventMs: number | null;
  readonly archive: {
    readonly objects: number;
    readonly bytes: bigint;
    readonly newestObjectAt: Date | null;
  };
}

/** How the pipeline stands, by its own checkpoints. About the installation, not about a tenant. */
export async function pipelineHealth({ db }: Pick<Stores, "db">): Promise<PipelineHealth> {
  const [stream, archive, stretches, [objects], healing, ends, [refused]] = await Promise.all([
    db.select().from(streamCheckpoints),
    db.select().from(archiveCheckpoints),
    db
      .select({
        topic: archiveStretches.topic,
        partition: archiveStretches.partition,
        events: sum(archiveStretches.events),
      })
      .from(archiveStretches)
      .groupBy(archiveStretches.topic, archiveStretches.partition),
    db
      .select({
        objects: count(),
        bytes: sum(archiveObjects.bytes),
        newestObjectAt: max(archiveObjects.createdAt),
      })
      .from(archiveObjects)
      .where(isNull(archiveObjects.compactedInto)),
    healingHealth({ db }),
    logEnds({ db }),
    db.select({ total: sum(quarantineCheckpoints.refusedTotal) }).from(quarantineCheckpoints),
  ]);
  const streamBy = new Map(stream.map((row) => [keyOf(row), row]));
  const archiveBy = new Map(archive.map((row) => [keyOf(row), row]));
  const eventsBy = new Map(stretches.map((row) => [keyOf(row), BigInt(row.events ?? "0")]));
  const read = new Map<string, PartitionKey>([...archiveBy, ...streamBy]);
  const partitions = [...read.values()]
    .map(({ topic, partition }) =>
      toPartition(
        { topic, partition },
        streamBy.get(keyOf({ topic, partition })),
        archiveBy.get(keyOf({ topic, partition }))?.nextOffset ?? null,
        eventsBy.get(keyOf({ topic, partition })) ?? 0n,
        ends.get(keyOf({ topic, partition })) ?? null,
      ),
    )
    .sort((a, b) => a.partition - b.partition);

  const identity = identityOf(stream, partitions, BigInt(refused?.total ?? "0"));
  const { counted, duplicate, invalid, late } = identity;
  const streamed = counted + duplicate + invalid + late;
  return {
    partitions,
    identity,
    lateRate: rateOf(late, streamed),
    duplicateRate: rateOf(duplicate, streamed),
    level: Math.max(0, ...partitions.map((partition) => partition.level)),
    watermarkMs: known(partitions.map((p) => p.watermarkMs)).reduce(least, null),
    newestEventMs: known(partitions.map((p) => p.appendTimeMs)).reduce(greatest, null),
    ...healing,
    archive: {
      objects: objects?.objects ?? 0,
      bytes: BigInt(objects?.bytes ?? "0"),
      newestObjectAt: objects?.newestObjectAt ?? null,
    },
  };
}

type StreamCheckpoint = typeof streamCheckpoints.$inferSelect;
type PartitionKey = Pick<PartitionHealth, "topic" | "partition">;

function toPartition(
  key: PartitionKey,
  stream: StreamCheckpoint | undefined,
  archiveNextOffset: bigint | null,
  archivedEvents: bigint,
  logEnd: bigint | null,
): PartitionHealth {
  const streamNextOffset = stream?.nextOffset ?? null;
  const streamedEvents = stream === undefined ? 0n : eventsOf(stream);
  const sameOffset = streamNextOffset !== null && streamNextOffset === archiveNextOffset;
  return {
    ...key,
    streamNextOffset,
    archiveNextOffset,
    streamLagRecords: logEnd === null ? null : atLeastZero(logEnd - (streamNextOffset ?? 0n)),
    archiveLagRecords: (streamNextOffset ?? 0n) - (archiveNextOffset ?? 0n),
    watermarkMs: stream?.watermarkMs ?? null,
    appendTimeMs: stream?.appendTimeMs ?? null,
    level: stream?.level ?? 0,
    streamedEvents,
    archivedEvents,
    difference: sameOffset ? streamedEvents - archivedEvents : null,
    streamUpdatedAt: stream?.updatedAt ?? null,
  };
}

/** The end was asked for a moment before or after the checkpoint. */
const atLeastZero = (records: bigint) => (records > 0n ? records : 0n);

function eventsOf(row: StreamCheckpoint): bigint {
  return row.countedTotal + row.duplicateTotal + row.invalidTotal + row.lateTotal;
}

function identityOf(
  stream: readonly StreamCheckpoint[],
  partitions: readonly PartitionHealth[],
  quarantined: bigint,
): PipelineIdentity {
  const total = (of: (row: StreamCheckpoint) => bigint) =>
    stream.reduce((sumSoFar, row) => sumSoFar + of(row), 0n);
  const inFlight = partitions
    .filter(({ archiveLagRecords }) => archiveLagRecords < 0n)
    .reduce((events, p) => events + (p.archivedEvents - p.streamedEvents), 0n);
  const streamed = total(eventsOf);
  return {
    received: streamed + inFlight + quarantined,
    counted: total((row) => row.countedTotal),
    duplicate: total((row) => row.duplicateTotal),
    invalid: total((row) => row.invalidTotal),
    late: total((row) => row.lateTotal),
    quarantined,
    inFlight,
  };
}

/** A share of a whole; exact enough for a percentage beyond 2^53 too. */
const rateOf = (part: bigint, whole: bigint) =>
  whole === 0n ? null : Number(part) / Number(whole);

const known = (values: readonly (number | null)[]) => values.filter((value) => value !== null);
const least = (a: number | null, b: number) => (a === null ? b : Math.min(a, b));
const greatest = (a: number | null, b: number) => (a === null ? b : Math.max(a, b));
