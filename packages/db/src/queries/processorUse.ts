/** What events cost by the processor time of what they pass through, and by what is kept of them. */
import { DAY_MS, HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { and, asc, eq, gte, isNull, sql, sum } from "drizzle-orm";
import { z } from "zod";
import { runQuery } from "../clickhouse/reader.ts";
import { archiveObjects, archiveStretches } from "../postgres/schema/archive.ts";
import { engineCounters, processorUse } from "../postgres/schema/processorUse.ts";
import type { Stores } from "../stores.ts";

const CLICKHOUSE = "clickhouse";
/** The part of a cost that is told: whole hours before the running one. */
const COST_MS = DAY_MS;
const BILLION = 1_000_000_000;
const BYTES_PER_GB = 1_000_000_000;

type Writer = { readonly db: Pick<Stores["db"], "insert"> };

/** Adds processor time of one program to that of all its processes. */
export async function noteProcessorUse(
  { db }: Writer,
  program: string,
  cpuMs: number,
): Promise<void> {
  const hour = sql`date_trunc('hour', clock_timestamp(), 'UTC')`;
  await db
    .insert(processorUse)
    .values({ program, hour, cpuMs: Math.round(cpuMs) })
    .onConflictDoUpdate({
      target: [processorUse.program, processorUse.hour],
      set: { cpuMs: sql`${processorUse.cpuMs} + excluded.cpu_ms` },
    });
}

const counterRow = z.object({ micros: z.coerce.number() });

/**
 * Notes what the ClickHouse engine has used since it was asked last, by its own count; nothing at the first
 * time. Whoever asks, and several at once: what is between two readings is noted once.
 */
export async function noteClickHouseUse({ db, clickhouse }: Stores): Promise<void> {
  await db.transaction(async (tx) => {
    const ofEngine = eq(engineCounters.name, CLICKHOUSE);
    await tx.insert(engineCounters).values({ name: CLICKHOUSE, value: 0 }).onConflictDoNothing();
    // Locked before the engine is asked: readings are noted in the order in which they were made.
    const [before] = await tx.select().from(engineCounters).where(ofEngine).for("update");
    const [now] = await runQuery(clickhouse, {
      name: "processorUse",
      params: {},
      row: counterRow,
      sql: "SELECT sum(value) AS micros FROM system.events WHERE event = 'OSCPUVirtualTimeMicroseconds'",
    });
    const [was, micros] = [before?.value ?? 0, now?.micros ?? 0];
    if (micros === was) return;
    await tx.update(engineCounters).set({ value: micros }).where(ofEngine);
    // An engine that was started anew counts from nothing.
    const used = micros > was ? micros - was : micros;
    if (was > 0) await noteProcessorUse({ db: tx }, CLICKHOUSE, used / 1_000);
  });
}

export interface UnitPrices {
  /** Of one core for an hour, micros of some currency. */
  readonly coreHourMicros: number;
  /** Of a gigabyte of the archive for a month. */
  readonly gbMonthMicros: number;
}

export interface EventCost {
  /** Events that were archived in the last 24 whole hours. */
  readonly events: number;
  /** What programs used in these hours, by name. */
  readonly processors: readonly { readonly program: string; readonly seconds: number }[];
  /** What the archive takes of an event, bytes; null before there is one. */
  readonly archivedBytes: number | null;
  /** Of a billion events, micros: their processor time, and a month of their archive. */
  readonly processorsMicros: number | null;
  readonly archiveMonthMicros: number | null;
  /** Both together; null where no event was archived, or nobody has noted what it took. */
  readonly perBillionEventsMicros: number | null;
}

/** What a billion events cost at the rate of the last day, that of doing nothing between them included. */
export async function eventCost(
  { db }: Pick<Stores, "db">,
  { coreHourMicros, gbMonthMicros }: UnitPrices,
  nowMs: number,
): Promise<EventCost> {
  const toMs = Math.floor(nowMs / HOUR_MS) * HOUR_MS;
  const [from, to] = [new Date(toMs - COST_MS), new Date(toMs)];
  const { program, hour, cpuMs } = processorUse;
  const [used, [archived], [kept]] = await Promise.all([
    db
      .select({ program, cpuMs: sum(cpuMs).mapWith(Number) })
      .from(processorUse)
      .where(and(gte(hour, from), sql`${hour} < ${to}`))
      .groupBy(program)
      .orderBy(asc(program)),
    db
      .select({ events: sum(archiveStretches.events).mapWith(Number) })
      .from(archiveStretches)
      .where(
        and(gte(archiveStretches.createdAt, from), sql`${archiveStretches.createdAt} < ${to}`),
      ),
    db
      .select({
        bytes: sum(archiveObjects.bytes).mapWith(Number),
        rows: sum(archiveObjects.rows).mapWith(Number),
      })
      .from(archiveObjects)
      .where(isNull(archiveObjects.compactedInto)),
  ]);
  const events = archived?.events ?? 0;
  const archivedBytes = kept?.rows ? kept.bytes / kept.rows : null;
  const usedMs = used.reduce((total, row) => total + row.cpuMs, 0);
  const processorsMicros =
    events === 0 || used.length === 0
      ? null
      : Math.round(((usedMs / HOUR_MS) * coreHourMicros * BILLION) / events);
  const archiveMonthMicros =
    archivedBytes === null
      ? null
      : Math.round(((archivedBytes * BILLION) / BYTES_PER_GB) * gbMonthMicros);
  return {
    events,
    processors: used.map((row) => ({ program: row.program, seconds: row.cpuMs / SECOND_MS })),
    archivedBytes,
    processorsMicros,
    archiveMonthMicros,
    perBillionEventsMicros:
      processorsMicros === null || archiveMonthMicros === null
        ? null
        : processorsMicros + archiveMonthMicros,
  };
}
