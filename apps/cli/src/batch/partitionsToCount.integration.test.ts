import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { backtests } from "@trueclick/db/postgres/schema/rules";
import { fillIndex, fillManifest } from "@trueclick/db/testing/fillEvents";
import { fillAdvertiser, publishTruth } from "@trueclick/db/testing/fillStores";
import { openTestStores, type TestStores } from "@trueclick/db/testing/testStores";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { partitionsBetween, partitionsToCount } from "./partitionsToCount.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const NOBODY = { day: undefined, advertiserId: undefined };
const DAY_MS = 86_400_000;

/** Yesterday at ten, so that the index still has it whenever this is run. */
const hour = new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS - 14 * 3_600_000).toISOString();
const day = hour.slice(0, 10);

let stores: TestStores;
beforeAll(async () => {
  stores = await openTestStores();
  await fillAdvertiser(stores, { id: "adv_busy", campaigns: ["cmp_busy"] });
  await fillAdvertiser(stores, { id: "adv_idle", campaigns: ["cmp_idle"] });
  await fillAdvertiser(stores, { id: "adv_new", campaigns: [] });
  const object = { hour, first: 0, last: 9 };
  await fillManifest(stores, [object]);
  await fillIndex(stores, [{ campaign: "cmp_busy", at: hour, offset: 0, partition: 0 }]);
});
afterAll(() => stores.close());

describe("what a run without a day counts", () => {
  // The archive holds all advertisers' events: without this, each new advertiser would have every
  // day counted that anybody ever had.
  it("is only what an advertiser has events of", async () => {
    expect(await partitionsToCount(stores, NOBODY)).toMatchObject([
      { advertiserId: "adv_busy", billingDay: day },
    ]);
  });

  // Its last event may have been moved away from it; then the new count is nothing, and is due.
  it("is every day that was counted before", async () => {
    const cells = [{ campaign: "cmp_idle", hour, events: 1 }];
    await publishTruth(stores, { advertiser: "adv_idle", day, cells });
    const advertisers = (await partitionsToCount(stores, NOBODY)).map((one) => one.advertiserId);
    expect(advertisers.sort()).toEqual(["adv_busy", "adv_idle"]);
  });
});

describe("what a run of one day counts", () => {
  it("is that day of every advertiser, or of the one named", async () => {
    const selection = { day: "2026-02-28", advertiserId: undefined };
    expect(await partitionsToCount(stores, selection)).toHaveLength(3);
    expect(await partitionsToCount(stores, { ...selection, advertiserId: "adv_new" })).toEqual([
      { advertiserId: "adv_new", billingDay: "2026-02-28" },
    ]);
  });

  it("must be a day that there is, of somebody known", async () => {
    const wrongDay = { day: "2026-02-30", advertiserId: undefined };
    await expect(partitionsToCount(stores, wrongDay)).rejects.toThrow(/--day/);
    const stranger = { day, advertiserId: "adv_nobody" };
    await expect(partitionsToCount(stores, stranger)).rejects.toThrow(/No advertiser/);
  });
});

describe("what a recount of days counts", () => {
  const nowMs = Date.parse("2026-03-02T12:00:00Z");
  it("is every day of them that has begun, of all or of one", async () => {
    const range = { fromDay: "2026-02-27", toDay: "2026-03-05" };
    expect(await partitionsBetween(stores, range, undefined, nowMs)).toHaveLength(3 * 4);
    const own = await partitionsBetween(stores, range, "adv_idle", nowMs);
    expect(own.map((one) => one.billingDay)).toEqual([
      "2026-02-27",
      "2026-02-28",
      "2026-03-01",
      "2026-03-02",
    ]);
  });

  it("is refused when it makes no sense, or is too much", async () => {
    const asked = (fromDay: string, toDay: string) =>
      partitionsBetween(stores, { fromDay, toDay }, undefined, nowMs);
    await expect(asked("2026-03-02", "2026-03-01")).rejects.toThrow(/--to/);
    await expect(asked("2026-03-02", "2026-03-32")).rejects.toThrow(/--to must be a calendar day/);
    await expect(asked("1990-01-01", "2026-03-01")).rejects.toThrow(/more than/);
  });
});

/** What is told to a script, and what to a person, is promised of the process, not of a function. */
describe("the verbs of truth, as processes", () => {
  const trueclick = async (line: string, reason = "a trial") => {
    const words = line.split(" ").map((word) => (word === "REASON" ? reason : word));
    const child = spawn(process.execPath, [MAIN, ...words], {
      env: { ...stores.urls, TRUECLICK_DATA: join(tmpdir(), "trueclick-no-stack") },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [stdout, stderr, [exitCode]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close"),
    ]);
    return { exitCode, stdout, stderr };
  };
  const json = async (line: string) => {
    const { exitCode, stdout, stderr } = await trueclick(`${line} --json`);
    return { exitCode, stderr, answer: JSON.parse(stdout) };
  };
  const range = `--from ${day}T00:00:00Z --to ${day}T23:00:00Z`;

  beforeAll(async () => {
    const cell = { campaign: "cmp_busy", hour };
    const busy = { advertiser: "adv_busy", day };
    await publishTruth(stores, { ...busy, cells: [{ ...cell, events: 3, costMicros: 30 }] });
    const after = [
      { ...cell, events: 2, costMicros: 20 },
      { ...cell, events: 1, verdict: "manual" as const },
    ];
    await publishTruth(stores, { ...busy, cells: after });
  });

  it("tell what two versions differ in, and that a version is none", async () => {
    const asked = `batch diff --advertiser adv_busy --day ${day}`;
    const [diff, shown, none] = await Promise.all([
      json(`${asked} --before 1 --after 2`),
      trueclick(`${asked} --before 1 --after 2`),
      trueclick(`${asked} --before 2 --after 3`),
    ]);
    expect(diff).toMatchObject({ exitCode: 0, stderr: "" });
    expect(diff.answer).toMatchObject({
      cost_micros: -10,
      after: { version: 2, cost_micros: 20, cause: "test" },
      moved: [
        { campaign: "cmp_busy", verdict: "manual", events: 1 },
        { campaign_name: "Campaign cmp_busy", verdict: "valid", events: -1, cost_micros: -10 },
      ],
    });
    expect(shown).toMatchObject({ exitCode: 0, stderr: "" });
    expect(shown.stdout).toContain("version 2 against 1: test");
    expect(shown.stdout).toMatch(/cmp_busy +click +valid +-1 +-10\n/);
    expect(none).toMatchObject({ exitCode: 1, stdout: "" });
    expect(none.stderr).toBe(`adv_busy has no versions 2 and 3 of ${day}\n`);
  });

  it("add decisions and rules, and say which days are counted again", async () => {
    const [decided, refused, wrong] = await Promise.all([
      json(`fraud add --scope publisher=pub_1 advertiser=adv_busy ${range} --reason REASON`),
      json("fraud revoke 999 --reason REASON"),
      trueclick(`rules set double_click --set seconds=0 --from ${hour} --reason REASON`),
    ]);
    expect(decided).toMatchObject({ exitCode: 0, stderr: "" });
    expect(decided.answer).toMatchObject({
      ids: [expect.any(Number)],
      partitions: [{ advertiser_id: "adv_busy", billing_day: day }],
    });
    expect(refused).toMatchObject({ exitCode: 1, answer: { error: { code: "refused" } } });
    expect(wrong).toMatchObject({ exitCode: 2, stdout: "" });
    expect(wrong.stderr).toContain("--set for double_click: seconds");

    const set = `rules set double_click --set seconds=60 --from ${hour} --reason REASON`;
    const { exitCode, stdout } = await trueclick(set, "a longer window");
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: "double_click@2: 2 open days are counted again.\n",
    });
  });

  it("try a rule, and tell what it would change once it was tried", async () => {
    const running = json(`backtest --rule double_click --set seconds=90 --from ${day} --to ${day}`);
    const asked = () => stores.db.select().from(backtests);
    await expect.poll(asked, { timeout: 60_000 }).toHaveLength(1);
    const line = { advertiser: "adv_busy", campaign: "cmp_busy", currency: "EUR" };
    // What the runner, which is the aggregator, writes at its end.
    await stores.db.update(backtests).set({
      ...{ state: "done", partitionsDone: 1, partitionsTotal: 1 },
      result: [{ ...line, clicks: -1, costMicros: "-10" }],
    });
    expect(await running).toMatchObject({
      exitCode: 0,
      answer: { days: 1, lines: [{ ...line, clicks: -1, cost_micros: -10 }] },
    });
    expect((await asked())[0]).toMatchObject({
      ruleId: "double_click",
      parameters: { seconds: 90 },
    });
  });
});
