/**
 * Both sides of hours that are settled, as the watch over drift last read them (decision 149). Which of them
 * are still what would be read now. Pure, but for the SQL.
 */
import type { InstantRange } from "@trueclick/shared/calendar";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import { driftHours, driftLines, driftReadings } from "../postgres/schema/drift.ts";
import { streamCheckpoints } from "../postgres/schema/stream.ts";
import type { EvidenceCount } from "./driftCauses.ts";
import { parsedOnce } from "./parsedOnce.ts";
import type { HourMarks } from "./streamState.ts";
import type { TruthPointer } from "./truthPointers.ts";

/** A campaign and hour as they were read. */
export interface DriftLine {
  /** Start of the hour, epoch milliseconds. */
  readonly hourMs: number;
  readonly campaignId: string;
  readonly stream: number;
  readonly truth: number;
  /** Events that one side alone counted; null: they have to be read. */
  readonly differences: readonly EvidenceCount[] | null;
}

/** What is kept of an advertiser's hours. */
export interface KeptLines {
  /** What the lines of an hour are as of, by its start, epoch milliseconds. */
  readonly asOf: ReadonlyMap<number, string>;
  readonly lines: readonly DriftLine[];
}

/** What an hour of an advertiser depends on beside how far the stream is. */
export interface HourFacts {
  /** Of the advertiser: versions of days that touch the hour, and maybe others. */
  readonly pins: readonly TruthPointer[];
  readonly marks: ReadonlyMap<number, HourMarks>;
  /** Up to where hours stand in for minutes, epoch milliseconds; null: nowhere. */
  readonly rolledThroughMs: number | null;
}

/**
 * What the rows of an hour depend on, as text; null where they may still change unsaid. Evidence of an hour
 * is judged by what the builds of its days pinned, so a version that takes the hour over asks anew.
 */
export function hourAsOf(
  hourMs: number,
  { pins, marks, rolledThroughMs }: HourFacts,
): string | null {
  const mark = marks.get(hourMs);
  const endMs = hourMs + HOUR_MS;
  if (rolledThroughMs === null || endMs > rolledThroughMs || mark?.isDirty === true) return null;
  const builds = pins
    .filter(({ bounds }) => bounds.fromMs < endMs && bounds.toMs > hourMs)
    .map(({ billingDay, buildId, bounds, takenOver }) => [
      ...[billingDay, buildId, bounds.fromMs, bounds.toMs],
      takenOver
        .filter(({ hours }) => hours.includes(hourMs / SECOND_MS))
        .map((other) => other.buildId),
    ]);
  return JSON.stringify([builds, mark?.healed ?? ""]);
}

/** Hours that are read, whole ones without a gap, and the lines that tell all others. */
export interface LinedDrift {
  /** Null for none. */
  readonly unlined: InstantRange | null;
  readonly lines: readonly DriftLine[];
}

/**
 * Tells hours of a range by lines, where these are as of now. What has to be read is read in one piece, so
 * lines between two hours that have none are left out.
 *
 * @param range Whole hours.
 */
export function linedDrift(
  range: InstantRange,
  { asOf, lines }: KeptLines,
  facts: HourFacts,
): LinedDrift {
  const isToBeRead = new Set(
    lines.filter(({ differences }) => differences === null).map(({ hourMs }) => hourMs),
  );
  let first: number | null = null;
  let last = range.fromMs;
  for (let hourMs = range.fromMs; hourMs < range.toMs; hourMs += HOUR_MS) {
    const now = hourAsOf(hourMs, facts);
    if (now !== null && now === asOf.get(hourMs) && !isToBeRead.has(hourMs)) continue;
    first ??= hourMs;
    last = hourMs;
  }
  if (first === null) return { unlined: null, lines };
  const unlined = { fromMs: first, toMs: last + HOUR_MS };
  const isTold = ({ hourMs }: DriftLine) => hourMs < unlined.fromMs || hourMs >= unlined.toMs;
  return { unlined, lines: lines.filter(isTold) };
}

const hoursOf = parsedOnce(z.array(z.tuple([z.number(), z.string()])));
const count = z.number().int().nonnegative();
const linesOf = parsedOnce(
  z.array(
    z
      .tuple([
        ...([z.number(), z.string(), count, count] as const),
        z.array(z.tuple([z.string(), z.string(), count])).nullable(),
      ])
      .transform(([hourMs, campaignId, stream, truth, told]): DriftLine => {
        const differences =
          told?.map(([reason, verdict, events]) => ({ reason, verdict, events })) ?? null;
        return { hourMs, campaignId, stream, truth, differences };
      }),
  ),
);

/** @param kept As `keptHoursSql` and `keptLinesSql` tell it. */
export function toKeptLines(kept: { readonly hours: string; readonly lines: string }): KeptLines {
  return {
    asOf: new Map(hoursOf(kept.hours)),
    lines: linesOf(kept.lines),
  };
}

/**
 * SQL of the hours that have lines, as JSON: only those that were kept when the stream had read no further
 * than it has now. One that counts all again has not read yet what truth may reject.
 *
 * @param where Over an hour's columns.
 */
export function keptHoursSql(where: SQL): SQL {
  const { streamNext, id } = driftReadings;
  const { partition, nextOffset } = streamCheckpoints;
  return sql`
    with hour as materialized (
      select ${epochMs(sql`${driftHours.eventHour}`)} as ms, ${driftHours.asOf} as as_of,
        ${driftHours.reading} as reading
      from ${driftHours} where ${where}
    ), reached as materialized (
      select ${id} as reading from ${driftReadings}
      where ${id} in (select reading from hour) and not exists (
        select from jsonb_each_text(${streamNext}) as had
        where not exists (select from ${streamCheckpoints}
          where ${partition} = had.key::int and ${nextOffset} >= had.value::bigint))
    )
    select coalesce(json_agg(json_build_array(ms, as_of)), '[]') from hour join reached using (reading)`;
}

/** SQL of lines as JSON. @param where Over a line's columns. @param rowsMax Most of them. */
export function keptLinesSql(where: SQL, rowsMax: SQL): SQL {
  const { eventHour, campaignId, stream, truth, differences } = driftLines;
  return sql`
    select coalesce(json_agg(line), '[]') from (
      select json_build_array(${epochMs(sql`${eventHour}`)}, ${campaignId}, ${stream}, ${truth},
        ${differences}) as line
      from ${driftLines} where ${where} limit ${rowsMax}) as lines`;
}

const epochMs = (at: SQL) => sql`(extract(epoch from ${at}) * 1000)::bigint`;
