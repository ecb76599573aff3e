/** Stores in which stream, backfill and batch do to hours of two advertisers what they would, in their order. */

import { advertiserIdSchema, campaignIdSchema } from "@trueclick/shared/ids";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { and, eq } from "drizzle-orm";
import { campaigns } from "../postgres/schema/campaigns.ts";
import { streamDirtyHours } from "../postgres/schema/stream.ts";
import {
  fillCheckpoints,
  fillCorrections,
  fillManifest,
  fillStreamRejects,
  fillTruthRejects,
  pinObjects,
} from "./fillEvents.ts";
import { fillAdvertiser, publishTruth, type TruthCell } from "./fillStores.ts";
import { markLateHour, moveRollup } from "./hotStoreState.ts";
import { openTestStores, type TestStores } from "./testStores.ts";

const TOPIC = "clicks.raw";
/** The hours lie about the midnight of Kathmandu, 18:15 UTC, where an hour is of two billing days. */
export const FIRST_MS = Date.parse("2026-10-29T16:00:00Z");
export const HOURS = 4;
export const NOW_MS = FIRST_MS + 12 * HOUR_MS;
export const range = { fromMs: FIRST_MS, toMs: FIRST_MS + HOURS * HOUR_MS };
/** Events of an hour that a build has pinned, unless it is one that has gone further: to twice as many. */
export const PINNED = 40;

const hourAt = (hour: number) => FIRST_MS + hour * HOUR_MS;
const hourOf = (hour: string) => (Date.parse(hour) - FIRST_MS) / HOUR_MS;
const iso = (ms: number) => new Date(ms).toISOString();
const CAMPAIGNS = { acme: ["acme-1", "acme-2"], ktm: ["ktm-1"] } as const;
type Who = keyof typeof CAMPAIGNS;
/** Of ktm, the hours 0 and 1 are of the first day, 3 of the second and 2 of both. */
const DAYS = { acme: ["2026-10-29"], ktm: ["2026-10-29", "2026-10-30"] } as const;
const ALL = (Object.keys(CAMPAIGNS) as Who[]).flatMap((advertiser) =>
  CAMPAIGNS[advertiser].map((campaign) => ({ advertiser, campaign })),
);
/** Events of each have a partition of their own, and those of each hour offsets of their own. */
const PARTITION_OF: Readonly<Record<string, number>> = { "acme-1": 0, "acme-2": 1, "ktm-1": 2 };
const PARTITION_OF_NEWCOMERS = 3;
const PARTITIONS = [0, 1, 2, PARTITION_OF_NEWCOMERS];
const objectsOf = (first: number, last: number) =>
  PARTITIONS.map((partition) => ({ hour: iso(hourAt(2)), partition, first, last }));
const OBJECTS = objectsOf(0, PINNED * HOURS - 1);
const FURTHER = objectsOf(PINNED * HOURS, 2 * PINNED * HOURS - 1);
/** Between two events of an hour, so that those of hour 2 lie on both sides of the midnight. */
const EVENT_EVERY_MS = 40 * SECOND_MS;

const isKnown = ({ campaign }: Pick<TruthCell, "campaign">) => campaign in PARTITION_OF;

/** An event of an hour of a campaign, by its number: one place in the log. */
function eventAt(campaign: string, hour: number, number: number) {
  const at = iso(hourAt(hour) + number * EVENT_EVERY_MS);
  const partition = PARTITION_OF[campaign] ?? PARTITION_OF_NEWCOMERS;
  return { campaign, at, partition, offset: number * HOURS + hour };
}

export interface Publishing {
  readonly who: Who;
  readonly isFurther: boolean;
  /** Hours that are taken over of the version before. */
  readonly takesOver: readonly number[];
  /** Whether it rejects a click of each campaign and hour. It bills all others that came. */
  readonly rejects: boolean;
}

interface HourCount {
  readonly advertiser: Who;
  readonly campaign: string;
  readonly clicks: number;
}

interface Build {
  readonly id: number;
  readonly cells: readonly TruthCell[];
}

export class DriftWorld {
  readonly stores: TestStores;
  /** Of each hour, what the stream counts; it only grows. */
  readonly #clicks = Array.from({ length: HOURS }, () => 5);
  /** Numbers of clicks that it left out for being late. */
  readonly #late = Array.from({ length: HOURS }, () => new Set<number>());
  readonly #builds = new Map<string, Build>();
  readonly #newcomers: { readonly campaign: string; readonly hour: number }[] = [];

  private constructor(stores: TestStores) {
    this.stores = stores;
  }

  static async open(): Promise<DriftWorld> {
    const stores = await openTestStores();
    const world = new DriftWorld(stores);
    await fillAdvertiser(stores, { id: "acme", campaigns: CAMPAIGNS.acme });
    const timeZone = "Asia/Kathmandu";
    await fillAdvertiser(stores, { id: "ktm", timeZone, campaigns: CAMPAIGNS.ktm });
    await stores.db.update(campaigns).set({ createdAt: new Date("2026-01-01") });
    await fillManifest(stores, [...OBJECTS, ...FURTHER]);
    for (let hour = 0; hour < HOURS; hour += 1) await world.#write(hour);
    await world.settle();
    return world;
  }

  close(): Promise<void> {
    return this.stores.close();
  }

  /** Everything is read, rolled up, healed and published, and adds up. */
  async settle(): Promise<void> {
    await this.stores.db
      .update(streamDirtyHours)
      .set({ healedAt: new Date(), markedAt: new Date(0) });
    await this.moveStream(2 * PINNED);
    await this.rollUp(HOURS);
    for (const who of ["acme", "ktm"] as const) {
      await this.publish({ who, isFurther: true, takesOver: [], rejects: false });
    }
  }

  /** @param events Of each hour that the stream has read. */
  async moveStream(events: number): Promise<void> {
    const next = events * HOURS;
    const to = { stream: next, archive: next, watermark: iso(range.toMs) };
    for (const partition of PARTITIONS) await fillCheckpoints(this.stores, { partition, ...to });
  }

  rollUp(hours: number): Promise<void> {
    return moveRollup(this.stores.db, TOPIC, hourAt(hours));
  }

  /** A late event of each campaign: evidence, and then the mark with the checkpoint. */
  async late(hour: number, number: number): Promise<void> {
    for (const { advertiser, campaign } of ALL) {
      const event = { ...eventAt(campaign, hour, number), reason: "late" };
      await fillStreamRejects(this.stores, advertiser, [event]);
    }
    await markLateHour(this.stores.db, TOPIC, hourAt(hour));
    this.#late[hour]?.add(number);
  }

  /** A backfill of an hour that was marked. */
  async heal(hour: number, number: number): Promise<void> {
    await markLateHour(this.stores.db, TOPIC, hourAt(hour));
    this.#late[hour]?.delete(number);
    await this.count(hour);
    for (const { advertiser, campaign } of ALL) {
      const event = { ...eventAt(campaign, hour, number), reason: "" };
      await fillCorrections(this.stores, advertiser, [event]);
    }
    const marks = streamDirtyHours;
    await this.stores.db
      .update(marks)
      .set({ healedAt: new Date() })
      .where(and(eq(marks.topic, TOPIC), eq(marks.eventHour, new Date(hourAt(hour)))));
  }

  /** One click more of each campaign, or one of a newcomer. */
  async count(hour: number, newcomer?: string): Promise<void> {
    if (newcomer !== undefined) {
      return this.#write(hour, [{ advertiser: "acme", campaign: newcomer, clicks: 1 }]);
    }
    this.#clicks[hour] = (this.#clicks[hour] ?? 0) + 1;
    await this.#write(hour);
  }

  /** Versions of the days of an advertiser. */
  async publish({ who, isFurther, takesOver, rejects }: Publishing): Promise<void> {
    for (const day of DAYS[who]) {
      const before = this.#builds.get(`${who}/${day}`);
      const cells = this.#cellsOf(who, day, rejects);
      const isTaken = ({ hour }: TruthCell) =>
        before !== undefined && takesOver.some((one) => iso(hourAt(one)) === hour);
      const own = cells.filter((cell) => !isTaken(cell));
      const hours = takesOver.map((hour) => hourAt(hour) / SECOND_MS);
      const takenOver =
        before === undefined || own.length === cells.length
          ? []
          : [{ buildId: before.id, hours, cells: before.cells.filter(isTaken) }];
      const id = await publishTruth(this.stores, { advertiser: who, day, cells: own, takenOver });
      await pinObjects(this.stores, id, isFurther ? [...OBJECTS, ...FURTHER] : OBJECTS);
      this.#builds.set(`${who}/${day}`, { id, cells: own });
      if (!rejects) continue;
      const pinned = isFurther ? 2 * PINNED : PINNED;
      await fillTruthRejects(
        this.stores,
        { id, advertiser: who, day },
        own.filter(isKnown).map(({ campaign, hour }, at) => {
          const event = eventAt(campaign, hourOf(hour), (id * 7 + at * 3) % pinned);
          return { ...event, verdict: "double_click" as const };
        }),
      );
    }
  }

  /** A click of an hour of acme that truth rejects beside those that it bills; not to be done to a build that was read. */
  async reject(hour: number, number: number): Promise<void> {
    const [day] = DAYS.acme;
    const build = this.#builds.get(`acme/${day}`);
    if (build === undefined) throw new RangeError("nothing was published");
    const event = eventAt(CAMPAIGNS.acme[0], hour, number);
    await fillTruthRejects(this.stores, { id: build.id, advertiser: "acme", day }, [
      { ...event, verdict: "double_click" },
    ]);
  }

  #cellsOf(who: Who, day: string, rejects: boolean): TruthCell[] {
    const isFirst = day === DAYS[who][0];
    const hours = who === "acme" ? [0, 1, 2, 3] : isFirst ? [0, 1, 2] : [2, 3];
    const known = CAMPAIGNS[who].flatMap((campaign) =>
      hours.map((hour) => {
        // An hour of two days is billed by the first.
        const came = (this.#clicks[hour] ?? 0) + (this.#late[hour]?.size ?? 0);
        const events = isFirst || hour !== 2 ? came - Number(rejects) : 0;
        return { campaign, hour: iso(hourAt(hour)), events };
      }),
    );
    const newcomers = who === "acme" ? this.#newcomers : [];
    return [
      ...known,
      ...newcomers.map(({ campaign, hour }) => {
        return { campaign, hour: iso(hourAt(hour)), events: 1 };
      }),
    ];
  }

  /** A campaign that becomes known after a click of it came; truth bills that from its next version on. */
  async newcomer(hour: number): Promise<void> {
    const campaign = `acme-new-${this.#newcomers.length}`;
    const event = eventAt(campaign, hour, this.#newcomers.length);
    await fillStreamRejects(this.stores, "", [{ ...event, reason: "unknown_campaign" }]);
    this.#newcomers.push({ campaign, hour });
    await this.stores.db.insert(campaigns).values({
      id: campaignIdSchema.parse(campaign),
      advertiserId: advertiserIdSchema.parse("acme"),
      name: `Campaign ${campaign}`,
      createdAt: new Date(hourAt(hour - 1)),
    });
  }

  /** The stream's counts of an hour. */
  async #write(
    hour: number,
    counts: readonly HourCount[] = ALL.map((one) => ({ ...one, clicks: this.#clicks[hour] ?? 0 })),
  ): Promise<void> {
    await this.stores.clickhouse.insert({
      table: "hot_hours",
      format: "JSONEachRow",
      values: counts.map(({ advertiser, campaign, clicks }) => ({
        ...{ advertiser_id: advertiser, campaign_id: campaign, cube: "ad" },
        ...{ dimension_value: "ad_1", partition: 0, clicks },
        span_start: hourAt(hour) / SECOND_MS,
      })),
    });
  }
}
