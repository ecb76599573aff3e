/** Writes kept hours of drift, each whole. */
import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Database } from "../postgres/database.ts";

/** A line as it is written: hour in epoch milliseconds, campaign, stream, truth, differences. */
export type KeptLine = readonly [
  number,
  string,
  number,
  number,
  readonly (readonly [string, string, number])[] | null,
];

/** All lines of an hour of an advertiser. */
export interface KeptHour {
  readonly advertiserId: string;
  /** Epoch milliseconds. */
  readonly hourMs: number;
  readonly asOf: string;
  readonly linesSha256: string;
  readonly lines: readonly KeptLine[];
}

/** Hours of one transaction, each of which may have as many lines as an advertiser has campaigns. */
const HOURS_PER_WRITE_MAX = 200;

interface Place {
  readonly advertiserId: string;
  /** Epoch milliseconds. */
  readonly hourMs: number;
}

/** @param reading Hours of a later one stay as they are. */
export async function writeDriftHours(
  db: Database,
  reading: bigint,
  { changed, gone }: { readonly changed: readonly KeptHour[]; readonly gone: readonly Place[] },
): Promise<void> {
  for (let at = 0; at < gone.length; at += HOURS_PER_WRITE_MAX) {
    await forgetHours(db, reading, gone.slice(at, at + HOURS_PER_WRITE_MAX));
  }
  for (let at = 0; at < changed.length; at += HOURS_PER_WRITE_MAX) {
    await writeHours(db, reading, changed.slice(at, at + HOURS_PER_WRITE_MAX));
  }
}

const takenSchema = z.array(z.object({ advertiserId: z.string(), hourMs: z.coerce.number() }));

async function writeHours(
  db: Database,
  reading: bigint,
  hours: readonly KeptHour[],
): Promise<void> {
  const heads = hours.map(({ lines: _, ...head }) => head);
  await db.transaction(async (tx) => {
    const { rows } = await tx.execute(sql`
      insert into drift_hours (advertiser_id, event_hour, reading, as_of, lines_sha256)
      select "advertiserId", to_timestamp("hourMs" / 1000.0), ${reading.toString()}::bigint, "asOf", "linesSha256"
      from json_to_recordset(${JSON.stringify(heads)}::json)
        as head ("advertiserId" text, "hourMs" bigint, "asOf" text, "linesSha256" text)
      on conflict (advertiser_id, event_hour) do update set
        reading = excluded.reading, as_of = excluded.as_of, lines_sha256 = excluded.lines_sha256
      where drift_hours.reading < excluded.reading
      returning advertiser_id as "advertiserId", extract(epoch from event_hour) * 1000 as "hourMs"`);
    const taken = takenSchema.parse(rows);
    await tx.execute(deleteLinesSql(taken));
    const keys = new Set(taken.map(keyOf));
    const lines = hours
      .filter((hour) => keys.has(keyOf(hour)))
      .flatMap(({ advertiserId, lines: own }) => own.map((line) => [advertiserId, ...line]));
    if (lines.length === 0) return;
    await tx.execute(sql`
      insert into drift_lines (advertiser_id, event_hour, campaign_id, stream, truth, differences)
      select line ->> 0, to_timestamp((line ->> 1)::bigint / 1000.0), line ->> 2, (line ->> 3)::bigint,
        (line ->> 4)::bigint, nullif(line -> 5, 'null')
      from jsonb_array_elements(${JSON.stringify(lines)}::jsonb) as line`);
  });
}

const keyOf = ({ advertiserId, hourMs }: Place) => `${hourMs}/${advertiserId}`;

function forgetHours(db: Database, reading: bigint, places: readonly Place[]): Promise<void> {
  return db.transaction(async (tx) => {
    const { rows } = await tx.execute(sql`
      delete from drift_hours using ${placesSql(places)}
      where drift_hours.advertiser_id = "advertiserId"
        and drift_hours.event_hour = to_timestamp("hourMs" / 1000.0)
        and drift_hours.reading < ${reading.toString()}::bigint
      returning drift_hours.advertiser_id as "advertiserId",
        extract(epoch from drift_hours.event_hour) * 1000 as "hourMs"`);
    await tx.execute(deleteLinesSql(takenSchema.parse(rows)));
  });
}

const deleteLinesSql = (places: readonly Place[]) => sql`
  delete from drift_lines using ${placesSql(places)}
  where drift_lines.advertiser_id = "advertiserId"
    and drift_lines.event_hour = to_timestamp("hourMs" / 1000.0)`;

/** One parameter, however many there are. */
const placesSql = (places: readonly Place[]) => sql`
  json_to_recordset(${JSON.stringify(places.map(({ advertiserId, hourMs }) => ({ advertiserId, hourMs })))}::json)
    as place ("advertiserId" text, "hourMs" bigint)`;
