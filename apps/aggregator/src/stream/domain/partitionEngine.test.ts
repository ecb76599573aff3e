import { type StoredEvent, storedEventSchema } from "@trueclick/shared/event/stored";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import { describe, expect, it } from "vitest";
import {
  BASE_MS,
  blockOf,
  CAMPAIGNS,
  campaign,
  HASH_KEY,
  storedClick,
} from "../testing/fixtures.ts";
import { initialCheckpoint, PartitionEngine } from "./partitionEngine.ts";

const LATENESS_MS = 10 * MINUTE_MS;

function engineOf(openEntriesMax = 1_000) {
  const options = {
    partition: 0,
    allowedLatenessMs: LATENESS_MS,
    openEntriesMax,
    hashKey: HASH_KEY,
  };
  return new PartitionEngine(options, initialCheckpoint(0n));
}

/** Admits blocks at the append times given, offsets from 0, and tells what became of the events. */
function admitAll(
  engine: PartitionEngine,
  blocks: readonly (readonly [appendTimeMs: number, ...lines: (Partial<StoredEvent> | string)[]])[],
  campaigns = CAMPAIGNS,
) {
  for (const [offset, [appendTimeMs, ...lines]] of blocks.entries()) {
    const value = blockOf(lines.map((at) => (typeof at === "string" ? at : storedClick(at))));
    engine.admit({ offset: BigInt(offset), appendTimeMs, value }, campaigns);
  }
  const { rejects, outcomes, ...changes } = engine.takeChanges();
  const cells = [...changes.cells];
  const ads = cells.filter((cell) => cell.cube === "ad");
  return { ads, cells, rejects, outcomes: Object.fromEntries(outcomes) };
}

const at = (ms: number, serial = 1): Partial<StoredEvent> => ({
  event_id: `evt-${String(serial).padStart(8, "0")}`,
  event_time: BASE_MS + ms,
});

describe("lateness", () => {
  it.each([
    ["a window takes events until its end is behind by the allowed lateness", -1, "counted"],
    ["and not from that very millisecond on", 0, "late"],
  ])("%s", (_guarantee, pastMs, outcome) => {
    const appendTimeMs = BASE_MS + MINUTE_MS + LATENESS_MS + pastMs;
    const { outcomes } = admitAll(engineOf(), [[appendTimeMs, at(0)]]);
    expect(outcomes).toEqual({ [outcome]: 1 });
  });

  it("is measured by the newest append time so far, should the log's clock step back", () => {
    const newest = BASE_MS + MINUTE_MS + LATENESS_MS;
    const blocks = [[newest, at(newest - BASE_MS)] as const, [newest - 1, at(0, 2)] as const];
    const engine = engineOf();
    expect(admitAll(engine, blocks).outcomes).toEqual({ counted: 1, late: 1 });
    expect(engine.checkpoint()).toMatchObject({
      appendTimeMs: newest,
      watermarkMs: newest - LATENESS_MS,
    });
  });

  // A phone may have any time it likes; if it moved the watermark, one phone would make all others
  // late. The edge refuses such times; a foreign producer may not.
  it.each([
    ["ahead", 2 * DAY_MS, "unparseable"],
    ["behind", -2 * DAY_MS, "late"],
  ])("is not moved by a device clock two days %s", (_way, offMs, outcome) => {
    const engine = engineOf();
    const { outcomes } = admitAll(engine, [
      [BASE_MS, at(0)],
      [BASE_MS + SECOND_MS, at(offMs, 2)],
      [BASE_MS + 2 * SECOND_MS, at(0, 3)],
    ]);
    expect(outcomes).toEqual({ counted: 2, [outcome]: 1 });
    expect(engine.checkpoint()).toMatchObject({
      watermarkMs: BASE_MS + 2 * SECOND_MS - LATENESS_MS,
      restartOffset: 0n,
    });
  });

  it.each([
    ["an hour ahead is still a time", HOUR_MS, "counted"],
    ["more is none", HOUR_MS + 1, "unparseable"],
    ["60 days behind is still a time", -60 * DAY_MS, "late"],
    ["more is none", -60 * DAY_MS - 1, "unparseable"],
  ])("of an event time: %s", (_guarantee, offMs, outcome) => {
    expect(admitAll(engineOf(), [[BASE_MS, at(offMs)]]).outcomes).toEqual({ [outcome]: 1 });
  });
});

describe("users", () => {
  const changesOf = (engine: PartitionEngine, lines: readonly Partial<StoredEvent>[]) => {
    const value = blockOf(lines.map((line) => storedClick(line)));
    engine.admit({ offset: 0n, appendTimeMs: BASE_MS, value }, CAMPAIGNS);
    return engine.takeChanges();
  };
  const users = (clicks: readonly Partial<StoredEvent>[], key = HASH_KEY) => {
    const options = { partition: 0, allowedLatenessMs: LATENESS_MS, openEntriesMax: 1_000 };
    const engine = new PartitionEngine({ ...options, hashKey: key }, initialCheckpoint(0n));
    return changesOf(engine, clicks).users;
  };

  it("are those of valid clicks, by campaign and hour, the same under every key", () => {
    const clicks = [
      { ...at(0, 1), user_id: "usr_a" },
      { ...at(0, 1), user_id: "usr_a" },
      { ...at(1, 2), user_id: "usr_b" },
      { ...at(-1, 3), user_id: "usr_a" },
      { ...at(2, 4), user_id: "usr_c", flags: ["bot_user_agent" as const] },
      { ...at(2, 5), user_id: "usr_d", event_type: "impression" as const },
      { ...at(2, 6), user_id: "usr_e", campaign_id: "cmp_unknown" },
      { ...at(2, 7), user_id: "usr_f", test: true as const },
    ];
    const found = users(clicks);
    const sizes = found.map((hour) => [hour.campaignId, hour.hourStartMs, hour.userHashes.length]);
    expect(sizes).toEqual([
      ["cmp_1", BASE_MS, 16],
      ["cmp_1", BASE_MS - HOUR_MS, 8],
    ]);
    expect(found[0]?.userHashes.subarray(0, 8)).toEqual(found[1]?.userHashes);
    expect(users(clicks, Int32Array.of(9, 8, 7, 6))).toEqual(found);
    // Sets of earlier releases hold this: another hash would count every user twice.
    expect(Buffer.from(found[1]?.userHashes ?? []).toString("hex")).toBe("02689131ac651525");
  });

  it("leave an empty set where no click names its user", () => {
    expect(users([{ ...at(0), user_id: "" }])).toMatchObject([{ userHashes: new Uint8Array(0) }]);
  });

  it("are left out from level 1 on, which marks their hours", () => {
    const engine = engineOf();
    engine.changeMode({
      ...{ offsetFrom: 0n, level: 1, allowedLatenessMs: LATENESS_MS, cause: "behind" },
    });
    const { users: none, degradedHoursMs, cells } = changesOf(engine, [at(0)]);
    expect(none).toEqual([]);
    expect(degradedHoursMs).toEqual([BASE_MS]);
    expect(cells).toHaveLength(4);
  });
});

describe("dedupe", () => {
  it("counts a click once, and shows its copies as duplicates", () => {
    const { ads, rejects } = admitAll(engineOf(), [
      [BASE_MS, at(0), at(0)],
      [BASE_MS + SECOND_MS, { ...at(0), ingest_time: BASE_MS + 900, geo: "FR", flags: [] }],
    ]);
    expect(ads).toMatchObject([
      { clicks: 1, duplicateClicks: 2, costMicros: 250_000n, version: 1n },
    ]);
    expect(rejects.map(({ offset, index, reason }) => [offset, index, reason])).toEqual([
      [0n, 1, "duplicate"],
      [1n, 0, "duplicate"],
    ]);
  });

  it("tells another event under the same id from a retry; the first one counts", () => {
    const { ads, rejects } = admitAll(engineOf(), [[BASE_MS, at(0), { ...at(0), ad_id: "ad_2" }]]);
    expect(ads).toMatchObject([
      { dimensionValue: "ad_1", clicks: 1, duplicateClicks: 0 },
      { dimensionValue: "ad_2", clicks: 0, duplicateClicks: 1, costMicros: 0n },
    ]);
    expect(rejects).toMatchObject([{ reason: "id_conflict", eventId: "evt-00000001" }]);
  });

  it("does not reach beyond the window", () => {
    const { outcomes } = admitAll(engineOf(), [[BASE_MS, at(0), at(MINUTE_MS)]]);
    expect(outcomes).toEqual({ counted: 2 });
  });
});

describe("verdicts", () => {
  it.each<[string, Partial<StoredEvent>, string, object]>([
    [
      "an impression is counted, and costs nothing",
      { event_type: "impression" },
      "counted",
      { impressions: 1, costMicros: 0n },
    ],
    [
      "so is a conversion",
      { event_type: "conversion" },
      "counted",
      { conversions: 1, costMicros: 0n },
    ],
    [
      "a robot's click shows as invalid",
      { flags: ["bot_user_agent"] },
      "bot_user_agent",
      { clicks: 0, invalidClicks: 1, givtClicks: 1, costMicros: 0n },
    ],
    [
      "a forged token's shows as invalid, and is no robot's",
      { flags: ["token_bad"] },
      "token_bad",
      { clicks: 0, invalidClicks: 1, givtClicks: 0 },
    ],
  ])("%s", (_guarantee, differences, outcome, measures) => {
    const { ads, outcomes } = admitAll(engineOf(), [[BASE_MS, { ...at(0), ...differences }]]);
    expect(outcomes).toEqual({ [outcome]: 1 });
    expect(ads).toMatchObject([measures]);
  });

  it.each<[string, Partial<StoredEvent> | string, object]>([
    ["test traffic", { test: true }, { reason: "test", advertiserId: "adv_1" }],
    [
      "an unknown campaign",
      { campaign_id: "cmp_9" },
      { reason: "unknown_campaign", advertiserId: "" },
    ],
    ["what is no event", "{", { reason: "unparseable", eventId: "", eventTimeMs: BASE_MS + 5 }],
  ])("keeps evidence, and no cell, of %s", (_what, line, reject) => {
    const whole = typeof line === "string" ? line : { ...at(0), ...line };
    const { cells, rejects } = admitAll(engineOf(), [[BASE_MS + 5, whole]]);
    expect(cells).toEqual([]);
    expect(rejects).toMatchObject([{ partition: 0, offset: 0n, index: 0, ...reject }]);
  });

  it("counts every event in every cube, once", () => {
    const { cells } = admitAll(engineOf(), [[BASE_MS, at(0)]]);
    expect(cells.map(({ cube, dimensionValue, clicks }) => [cube, dimensionValue, clicks])).toEqual(
      [
        ["ad", "ad_1", 1],
        ["geo", "DE", 1],
        ["device", "mobile", 1],
        ["publisher", "pub_1", 1],
      ],
    );
  });
});

describe("what is known at the append time", () => {
  // The directory grows. A replay sees more of it than the first reading did, and must not use it.
  it("knows a campaign from the millisecond of its creation on", () => {
    const later = new Map([["cmp_1", campaign({ createdAtMs: BASE_MS + 1 })]]);
    const blocks = [[BASE_MS, at(0)] as const, [BASE_MS + 1, at(0, 2)] as const];
    expect(admitAll(engineOf(), blocks, later).outcomes).toEqual({
      unknown_campaign: 1,
      counted: 1,
    });
  });

  it("prices by the rate in force at the event time, of those entered by the append time", () => {
    const rates = [
      { effectiveFromMs: BASE_MS, cpcMicros: 10n, createdAtMs: 0 },
      { effectiveFromMs: BASE_MS + SECOND_MS, cpcMicros: 20n, createdAtMs: 0 },
      { effectiveFromMs: BASE_MS + SECOND_MS, cpcMicros: 99n, createdAtMs: BASE_MS + 9_000 },
    ];
    const clicks = [at(-1, 1), at(0, 2), at(999, 3), at(SECOND_MS, 4)];
    const priced = admitAll(
      engineOf(),
      [[BASE_MS + 5_000, ...clicks]],
      new Map([["cmp_1", campaign({ rates })]]),
    );
    const costs = priced.ads.map(({ windowStartMs, costMicros }) => [windowStartMs, costMicros]);
    expect(costs).toEqual([
      [BASE_MS - MINUTE_MS, 0n],
      [BASE_MS, 10n + 10n + 20n],
    ]);
  });
});

describe("limits", () => {
  it("closes the oldest window early rather than hold more than it may", () => {
    // A first click of a window takes an id and four cells.
    const engine = engineOf(10);
    const { rejects } = admitAll(engine, [
      [BASE_MS, at(0), at(MINUTE_MS, 2), at(2 * MINUTE_MS, 3), at(0, 4), at(MINUTE_MS, 5)],
    ]);
    expect(rejects.map(({ index, reason }) => [index, reason])).toEqual([
      [3, "late"],
      [4, "late"],
    ]);
    expect(engine.checkpoint().watermarkMs).toBe(BASE_MS + 2 * MINUTE_MS);
  });

  it("gives coordinates to the first 65,535 lines of a block, and one to all the rest", () => {
    const { rejects, outcomes } = admitAll(engineOf(), [[BASE_MS, "0\n".repeat(70_000)]]);
    expect(outcomes).toEqual({ unparseable: 65_536 });
    expect(rejects.at(-1)).toMatchObject({ index: 65_535 });
  });

  it("says nothing where nothing changed", () => {
    const engine = engineOf();
    admitAll(engine, [[BASE_MS, at(0)]]);
    const { cells, rejects, outcomes } = engine.takeChanges();
    expect([[...cells], rejects, outcomes.size]).toEqual([[], [], 0]);
  });
});

it("uses a stored event in its tests", () => {
  expect(storedEventSchema.parse(storedClick())).toEqual(storedClick());
});
