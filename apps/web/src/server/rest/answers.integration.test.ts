import { archiveStretches } from "@trueclick/db/postgres/schema/archive";
import { driftUnexplained } from "@trueclick/db/postgres/schema/drift";
import { processorUse } from "@trueclick/db/postgres/schema/processorUse";
import { quarantineItems } from "@trueclick/db/postgres/schema/quarantine";
import { publishTruth } from "@trueclick/db/testing/fillStores";
import { sourceIdSchema } from "@trueclick/shared/ids";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { driftEndpoint, eventEndpoint, jobEndpoint } from "./endpoints/audit.ts";
import { billingExportEndpoint } from "./endpoints/billingExport.ts";
import { campaignsEndpoint, partitionsEndpoint } from "./endpoints/lists.ts";
import { pipelineHealthEndpoint } from "./endpoints/pipelineHealth.ts";
import { quarantineEndpoint } from "./endpoints/quarantine.ts";
import { reportEndpoint } from "./endpoints/report.ts";
import { versionDiffEndpoint } from "./endpoints/versionDiff.ts";
import { DAY, openRestFixture, type RestFixture } from "./testing/restFixture.ts";

let rest: RestFixture;
beforeAll(async () => {
  rest = await openRestFixture();
});
afterAll(() => rest.stores.close());

const pageSchema = z.object({
  rows: z.array(z.object({ id: z.string() })),
  next_cursor: z.string().nullable(),
});
const pageOfDays = z.object({ rows: z.array(z.object({ day: z.string() })) });

describe("answers", () => {
  it("of the report come as JSON, exactly as its schema says, and as CSV", async () => {
    const query = `mode=billing&${DAY}&granularity=day&dimensions=campaign&advertiser_id=acme`;
    const json = await rest.ask(reportEndpoint, query);
    expect(reportEndpoint.answer.parse(await json.json())).toMatchObject({
      rows: [
        {
          time: "2026-10-28T00:00:00.000Z",
          campaign: "a1",
          campaign_name: "Campaign a1",
          clicks: 3,
          unique_users: 2,
          cost_micros: 750_000,
          currency: "EUR",
        },
      ],
    });
    const csv = await rest.ask(reportEndpoint, `${query}&format=csv`);
    expect(csv.headers.get("content-type")).toBe("text/csv; charset=utf-8");
    expect(await csv.text()).toBe(
      "time,campaign,campaign_name,clicks,gross_clicks,net_clicks,invalid_clicks," +
        "duplicate_clicks,impressions,conversions,unique_users,cost_micros,currency,invalid_rate," +
        "attributed_conversions,attributed_value_micros,decision_rate,finality\r\n" +
        "2026-10-28T00:00:00.000Z,a1,Campaign a1,3,3,3,0,0,0,0,2,750000,EUR,0,0,0,1,settling\r\n",
    );
  });

  it("of a month's billing have a row per day and campaign", async () => {
    const response = await rest.ask(billingExportEndpoint, "advertiser_id=acme&month=2026-10", {
      key: "acme-key",
    });
    expect(response.headers.get("content-disposition")).toContain("billing-acme-2026-10.csv");
    expect((await response.text()).split("\r\n")).toEqual([
      "month,day,advertiser_id,advertiser_name,campaign_id,campaign_name,version,finality,clicks," +
        "gross_clicks,net_clicks,duplicate_clicks,impressions,conversions,unique_users," +
        "cost_micros,cost,currency,invalid_rate,final_at,attributed_conversions," +
        "attributed_value_micros,decision_rate",
      "2026-10,2026-10-28,acme,Advertiser acme,a1,Campaign a1,1,settling,3,3,3,0,0,0,2,750000," +
        "0.750000,EUR,0,2026-11-01T00:00:00.000Z,0,0,1",
      "",
    ]);
  });

  it("of lists go on where the page before ended", async () => {
    const seen: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const query: string = `advertiser_id=acme&limit=2${cursor && `&cursor=${cursor}`}`;
      const page = pageSchema.parse(await (await rest.ask(campaignsEndpoint, query)).json());
      expect(page.rows.length).toBeLessThanOrEqual(2);
      seen.push(...page.rows.map((row) => row.id));
      cursor = page.next_cursor;
    }
    expect(seen).toEqual(["a1", "a2", "a3"]);

    const first = await (await rest.ask(partitionsEndpoint, "limit=1")).json();
    expect(first.rows).toMatchObject([{ advertiser: "acme", version: 1, current: true }]);
    const second = await (
      await rest.ask(partitionsEndpoint, `limit=1&cursor=${first.next_cursor}`)
    ).json();
    expect(second).toMatchObject({ rows: [{ advertiser: "other" }], next_cursor: null });
    expect((await rest.ask(partitionsEndpoint, "cursor=nonsense")).status).toBe(400);

    const daysIn = async (query: string) => {
      const { rows } = pageOfDays.parse(await (await rest.ask(partitionsEndpoint, query)).json());
      return rows.map(({ day }) => day);
    };
    const [day, midnight] = ["2026-10-28", "2026-10-28T00:00:00.000Z"];
    expect(await daysIn(`advertiser_id=acme&from=${day}&to=${day}`)).toEqual([day]);
    expect(await daysIn(`advertiser_id=acme&from=${midnight}&to=${day}`)).toEqual([day]);
    // The end of a range of instants is exclusive, as everywhere.
    expect(await daysIn(`advertiser_id=acme&to=${midnight}`)).toEqual([]);
    const neither = await rest.ask(partitionsEndpoint, "from=2026-10-28T00:00:00");
    expect([neither.status, (await neither.json()).error.message]).toEqual([
      400,
      "from: must be a calendar day, YYYY-MM-DD, or ISO 8601 with a zone, of the years 1970 to 2099",
    ]);
  });

  it("of a job show its inputs, and of an event where it is billed", async () => {
    const job = await rest.ask(jobEndpoint, "", { path: { id: String(rest.acmeJob) } });
    expect(jobEndpoint.answer.parse(await job.json())).toMatchObject({
      advertiser: "acme",
      version: 1,
      objects: [{ sha256: "0".repeat(64), rows: 1 }],
    });
    const encoded = { event_id: "event%2Dof%2Dacme" };
    const event = await rest.ask(eventEndpoint, "", { path: encoded });
    expect(eventEndpoint.answer.parse(await event.json())).toMatchObject({
      copies: [
        {
          coordinates: "0:1:0",
          object: { row: 1 },
          stream_verdict: "counted",
          batch_verdicts: [{ day: "2026-10-28", version: 1, verdict: "valid" }],
          billed: { campaign: "a1", clicks: 3, cost_micros: 750_000 },
        },
      ],
    });
    expect((await rest.ask(jobEndpoint, "", { path: { id: "999999" } })).status).toBe(404);
    expect(
      (await rest.ask(eventEndpoint, "", { path: { event_id: "never-was-here" } })).status,
    ).toBe(404);
  });

  it("of two versions of a day tell what moved, by whose count", async () => {
    const day = "2026-11-02";
    const cell = { campaign: "b1", hour: `${day}T10:00:00Z` };
    const before = [
      { ...cell, events: 3, costMicros: 750_000 },
      { ...cell, events: 5, type: "impression" as const },
    ];
    const after = [
      { ...cell, events: 2, costMicros: 500_000 },
      { ...cell, events: 1, verdict: "manual" as const },
      { ...cell, events: 5, type: "impression" as const },
    ];
    await publishTruth(rest.stores, { advertiser: "other", day, cells: before });
    const job = await publishTruth(rest.stores, { advertiser: "other", day, cells: after });
    const query = `advertiser_id=other&day=${day}`;
    const diff = await rest.ask(versionDiffEndpoint, `${query}&before=1&after=2`);
    expect(versionDiffEndpoint.answer.parse(await diff.json())).toMatchObject({
      ...{ advertiser: "other", day, currency: "EUR", cost_micros: -250_000 },
      before: { version: 1, cost_micros: 750_000 },
      after: { version: 2, cost_micros: 500_000, job, cause: "test" },
      moved: [
        { campaign: "b1", verdict: "manual", events: 1, cost_micros: 0 },
        { campaign_name: "Campaign b1", verdict: "valid", events: -1, cost_micros: -250_000 },
      ],
    });
    expect((await rest.ask(versionDiffEndpoint, `${query}&before=2&after=3`)).status).toBe(404);
    const never = `advertiser_id=never&day=${day}&before=1&after=2`;
    expect((await rest.ask(versionDiffEndpoint, never)).status).toBe(404);
  });

  it("of drift and of the pipeline add up", async () => {
    const drift = await rest.ask(driftEndpoint, `${DAY}&campaign_id=a1`);
    expect(driftEndpoint.answer.parse(await drift.json())).toMatchObject({
      rows: [{ campaign: "a1", stream: 3, truth: 3, causes: {}, unexplained: 0 }],
    });
    const health = await rest.ask(pipelineHealthEndpoint, "");
    expect(pipelineHealthEndpoint.answer.parse(await health.json())).toMatchObject({
      identity: { received: 10, counted: 7, duplicate: 2, invalid: 1, late: 0, in_flight: 0 },
      duplicate_rate: 0.2,
      drift: { unexplained_clicks: 0, since: null, checked_at: null, largest: [] },
    });
    // I8: a difference without a cause is told of.
    const at = new Date(Date.UTC(2026, 9, 28, 11));
    await rest.stores.db.insert(driftUnexplained).values({
      ...{ campaignId: "a1", advertiserId: "acme", eventHour: at, stream: 1n, truth: 3n },
      ...{ unexplained: -2n, firstSeenAt: at, seenAt: at },
    });
    const alarming = await (await rest.ask(pipelineHealthEndpoint, "")).json();
    const place = { advertiser: "acme", campaign: "a1", unexplained: -2 };
    expect(pipelineHealthEndpoint.answer.parse(alarming)).toMatchObject({
      drift: {
        ...{ unexplained_clicks: 2, unexplained_places: 1, since: at.toISOString() },
        largest: [{ ...place, hour: at.toISOString() }],
      },
    });
  });

  it("of the pipeline tell what a billion events cost, at the prices asked for", async () => {
    const costOf = async (query: string) => {
      const answer = await rest.ask(pipelineHealthEndpoint, query);
      return pipelineHealthEndpoint.answer.parse(await answer.json());
    };
    expect(await costOf("")).toMatchObject({
      cost: { per_billion_events_micros: null, currency: "USD", events: 0 },
    });
    const hour = new Date(Date.UTC(2026, 9, 30, 10));
    await rest.stores.db.insert(processorUse).values({ program: "edge", hour, cpuMs: 3_600_000 });
    const offsets = { partition: 7, firstOffset: 0n, lastOffset: 9n };
    await rest.stores.db
      .insert(archiveStretches)
      .values({ topic: "clicks.raw", ...offsets, events: 1_000_000n, createdAt: hour });
    // An hour of a core for each million; 100 bytes of archive each.
    expect(await costOf("core_hour_micros=50000&currency=EUR")).toMatchObject({
      cost: {
        per_billion_events_micros: 50_000_000 + 2_300_000,
        currency: "EUR",
        processor_seconds: [{ program: "edge", seconds: 3_600 }],
        archived_bytes_per_event: 100,
        not_measured: ["postgres", "kafka"],
      },
    });
    const free = await rest.ask(pipelineHealthEndpoint, "core_hour_micros=-1");
    expect([free.status, (await free.json()).error.message]).toEqual([
      400,
      expect.stringContaining("core_hour_micros"),
    ]);
  });

  it("of the quarantine show the newest first, however large, and whatever bytes they hold", async () => {
    const sourceId = sourceIdSchema.parse("src_1");
    const large = Buffer.alloc(500_000, 0xff);
    await rest.stores.db.insert(quarantineItems).values(
      [1, 2, 3].map((second) => ({
        ...{ topic: "clicks.quarantine", partition: 0, offset: BigInt(second), sourceId },
        receivedAt: new Date(Date.UTC(2026, 9, 28, 10, 0, second)),
        ...{ code: "bad_json" as const, message: "Not JSON.", isPrefetch: false },
        ...{ bytes: large, bytesReceived: large.length },
      })),
    );
    const first = await (await rest.ask(quarantineEndpoint, "limit=2&source=src_1")).json();
    quarantineEndpoint.answer.parse(first);
    expect(pageSchema.parse(first).rows).toEqual([{ id: "0:3" }, { id: "0:2" }]);
    const preview = "\uFFFD".repeat(1_024);
    expect(first.rows[0]).toMatchObject({ bytes_received: 500_000, replay: null, preview });
    const second = await rest.ask(quarantineEndpoint, `limit=2&cursor=${first.next_cursor}`);
    expect(await second.json()).toMatchObject({ rows: [{ id: "0:1" }], next_cursor: null });
    const none = await rest.ask(quarantineEndpoint, "from=2026-10-29T00:00:00Z&code=bad_json");
    expect(await none.json()).toEqual({ rows: [], next_cursor: null });
  });
});
