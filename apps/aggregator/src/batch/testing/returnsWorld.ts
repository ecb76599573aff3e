/** Published days whose users are told by reports, beside all that was ever published of them. */
import { runReport } from "@trueclick/db/routing/report";
import type { ReportQuery } from "@trueclick/db/routing/reportQuery";
import { fillAdvertiser, publishTruth, type TruthCell } from "@trueclick/db/testing/fillStores";
import { openTestStores, type TestStores } from "@trueclick/db/testing/testStores";
import { addDays, type IsoDay } from "@trueclick/shared/calendar";
import type { AdvertiserId } from "@trueclick/shared/ids";

export const NOW_MS = Date.parse("2026-11-20T00:00:00Z");

/** Users by campaign of one version. */
export type Users = ReadonlyMap<string, readonly number[]>;

interface Published {
  readonly advertiserId: AdvertiserId;
  readonly day: IsoDay;
  readonly publishedAtMs: number;
  readonly users: Users;
}

/** A question to a report, whose days are both in it. */
export interface UsersAsked {
  readonly fromDay: IsoDay;
  readonly toDay: IsoDay;
  readonly asOfMs?: number;
  /** Null for all of the world. */
  readonly advertiserIds: readonly AdvertiserId[];
  readonly campaign?: string;
  /** A slice is a campaign, country and device. */
  readonly by: "campaign" | "advertiser" | "slice" | null;
  readonly granularity: "total" | "day";
}

export interface ReturnsWorld {
  readonly stores: TestStores;
  /** The instant of the last version, epoch milliseconds. */
  lastMs(): number;
  addAdvertiser(id: AdvertiserId, campaigns: readonly string[]): Promise<void>;
  /** @param before A build that the hours of the night are taken over from, where they lie. */
  publish(advertiserId: AdvertiserId, day: IsoDay, users: Users, before?: number): Promise<number>;
  /** What a report says of users, by bucket and dimension. */
  told(asked: UsersAsked): Promise<Record<string, number | null>>;
  /** The same from all that was ever published. */
  expected(asked: UsersAsked): Record<string, number>;
  /** How often reports united sets since this was asked last. */
  unions(): number;
}

const START_MS = Date.parse("2026-11-01T00:00:00Z");
const MINUTE_MS = 60_000;

export async function openReturnsWorld(): Promise<ReturnsWorld> {
  const stores = await openTestStores();
  const history: Published[] = [];
  const owners = new Map<string, AdvertiserId>();
  const unions = countingUnions(stores);
  const lastMs = () => START_MS + history.length * MINUTE_MS;
  return {
    stores,
    lastMs,
    unions: unions.taken,
    async addAdvertiser(id, campaigns) {
      await fillAdvertiser(stores, { id, campaigns });
      for (const campaign of campaigns) owners.set(campaign, id);
    },
    async publish(advertiserId, day, users, before) {
      history.push({ advertiserId, day, publishedAtMs: lastMs() + MINUTE_MS, users });
      const publishedAt = new Date(lastMs()).toISOString();
      const nights = [...users].map(([campaign, own]) => nightCell(campaign, day, own));
      const mornings = [...users].map(([campaign, own]) => morningCell(campaign, day, own));
      const version = { advertiser: advertiserId, day, publishedAt };
      if (before === undefined) {
        return publishTruth(stores, { ...version, cells: [...nights, ...mornings] });
      }
      const takenOver = [{ buildId: before, hours: [nightMs(day) / 1_000], cells: nights }];
      return publishTruth(stores, { ...version, cells: mornings, takenOver });
    },
    async told(asked) {
      const { db } = stores;
      const query = queryOf(asked);
      const { rows } = await runReport({ db, clickhouse: unions.clickhouse }, query, NOW_MS);
      return Object.fromEntries(
        rows.map(({ time = "", campaign, advertiser, geo, device, unique_users }) => {
          const by =
            asked.by === "slice" ? `${campaign} ${geo} ${device}` : (campaign ?? advertiser);
          return [keyOf(asked, time.slice(0, FIRST_CHARACTERS), by ?? ""), unique_users];
        }),
      );
    },
    expected(asked) {
      const rows = new Map<string, Set<number>>();
      for (const { day, campaign, slice, users } of cellsOf(history, asked)) {
        const by = { campaign, slice, advertiser: owners.get(campaign) ?? "" };
        const key = keyOf(asked, day, asked.by === null ? "" : by[asked.by]);
        rows.set(key, new Set([...(rows.get(key) ?? []), ...users]));
      }
      return Object.fromEntries([...rows].map(([key, users]) => [key, users.size]));
    },
  };
}

const FIRST_CHARACTERS = "YYYY-MM-DD".length;

const keyOf = ({ granularity }: UsersAsked, day: IsoDay, by: string) =>
  `${granularity === "day" ? day : "total"} ${by}`;

/** Cells with users of the versions that are asked for. */
function cellsOf(history: readonly Published[], asked: UsersAsked) {
  const { fromDay, toDay, advertiserIds, campaign: only, asOfMs = NOW_MS } = asked;
  const current = new Map(
    history
      .filter(({ publishedAtMs }) => publishedAtMs <= asOfMs)
      .map((version) => [`${version.advertiserId} ${version.day}`, version]),
  );
  return [...current.values()]
    .filter(({ day, advertiserId }) => {
      return day >= fromDay && day <= toDay && advertiserIds.includes(advertiserId);
    })
    .flatMap(({ day, users }) =>
      [...users].flatMap(([campaign, own]) =>
        [nightCell(campaign, day, own), morningCell(campaign, day, own)].map((cell) => {
          const slice = `${campaign} ${cell.geo} ${cell.device}`;
          return { day, campaign, slice, users: cell.users ?? [] };
        }),
      ),
    )
    .filter(({ campaign }) => only === undefined || campaign === only);
}

const nightMs = (day: IsoDay) => Date.parse(`${day}T03:00:00Z`);

function nightCell(campaign: string, day: IsoDay, users: readonly number[]): TruthCell {
  const hour = new Date(nightMs(day)).toISOString();
  return { campaign, hour, geo: "DE", device: "mobile", events: users.length, users };
}

/** Users of even numbers come again. */
function morningCell(campaign: string, day: IsoDay, users: readonly number[]): TruthCell {
  const again = users.filter((user) => user % 2 === 0);
  const where = { geo: day.endsWith("5") ? "DE" : "FR", device: "tablet" };
  return { campaign, hour: `${day}T09:00:00Z`, ...where, events: again.length, users: again };
}

const DIMENSIONS_BY = {
  campaign: ["campaign"],
  advertiser: ["advertiser"],
  slice: ["campaign", "geo", "device"],
  none: [],
} as const;

function queryOf(asked: UsersAsked): ReportQuery {
  return {
    scope: { kind: "advertisers", ids: asked.advertiserIds },
    mode: "billing",
    fromMs: Date.parse(asked.fromDay),
    toMs: Date.parse(addDays(asked.toDay, 1)),
    granularity: asked.granularity,
    dimensions: DIMENSIONS_BY[asked.by ?? "none"],
    timeZone: "UTC",
    filters: asked.campaign === undefined ? {} : { campaign: [asked.campaign] },
    asOfMs: asked.asOfMs,
  };
}

/** Statements that unite sets, as a client is told their names. */
const UNIONS = ['"truthUsers"', '"truthReport"'];

/** The client, which notes how often a report asks for a union. */
function countingUnions({ clickhouse }: TestStores) {
  let unions = 0;
  const counting = new Proxy(clickhouse, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...words: unknown[]) => {
        const text = name === "query" ? JSON.stringify(words) : "";
        if (UNIONS.some((statement) => text.includes(statement))) unions += 1;
        return value.apply(target, words);
      };
    },
  });
  const taken = () => {
    const before = unions;
    unions = 0;
    return before;
  };
  return { clickhouse: counting, taken };
}
