import { createHash } from "node:crypto";
import { advertiserMembers, userRoles, users } from "@trueclick/db/postgres/schema/auth";
import { apiKeys } from "@trueclick/db/postgres/schema/keys";
import {
  fillCheckpoints,
  fillIndex,
  fillManifest,
  pinObjects,
} from "@trueclick/db/testing/fillEvents";
import { fillAdvertiser, fillHot, publishTruth } from "@trueclick/db/testing/fillStores";
import { openTestStores, type TestStores } from "@trueclick/db/testing/testStores";
import type { Role } from "@trueclick/shared/access";
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { answerRequest, type Endpoint } from "./endpoint.ts";
import { driftEndpoint, eventEndpoint, jobEndpoint } from "./endpoints/audit.ts";
import { billingExportEndpoint } from "./endpoints/billingExport.ts";
import { advertisersEndpoint, campaignsEndpoint, partitionsEndpoint } from "./endpoints/lists.ts";
import { pipelineHealthEndpoint } from "./endpoints/pipelineHealth.ts";
import { reportEndpoint } from "./endpoints/report.ts";

const nowMs = Date.parse("2026-10-30T12:00:00Z");
const hour = "2026-10-28T10:00:00Z";
let stores: TestStores;
let acmeJob: number;
let otherJob: number;

beforeAll(async () => {
  stores = await openTestStores();
  await fillAdvertiser(stores, { id: "acme", campaigns: ["a1", "a2", "a3"] });
  await fillAdvertiser(stores, { id: "other", campaigns: ["b1"] });
  await addKey("engineer-key", "engineer", null);
  await addKey("manager-key", "account_manager", null);
  await addKey("acme-key", "advertiser", "acme");
  await addKey("revoked-key", "engineer", null, { revokedAt: new Date(nowMs - 1) });
  await addKey("expired-key", "engineer", null, { expiresAt: new Date(nowMs) });

  const cell = { campaign: "a1", hour, events: 3, costMicros: 750_000, users: [1, 2] };
  acmeJob = await publishTruth(stores, { advertiser: "acme", day: "2026-10-28", cells: [cell] });
  otherJob = await publishTruth(stores, {
    advertiser: "other",
    day: "2026-10-28",
    cells: [{ ...cell, campaign: "b1" }],
  });
  const object = { hour, first: 0, last: 3 };
  await fillManifest(stores, [object]);
  await pinObjects(stores, acmeJob, [object]);
  await pinObjects(stores, otherJob, [object]);
  await fillIndex(stores, [
    { id: "event-of-acme", campaign: "a1", at: hour, offset: 1 },
    { id: "event-of-other", campaign: "b1", at: hour, offset: 2 },
  ]);
  await fillHot(stores, [{ advertiser: "acme", campaign: "a1", at: hour, clicks: 3 }]);
  const watermark = "2026-10-30T11:50:00Z";
  const totals = { countedTotal: 7n, duplicateTotal: 2n, invalidTotal: 1n, lateTotal: 0n };
  await fillCheckpoints(stores, { partition: 0, stream: 4, archive: 4, watermark, totals });
});
afterAll(() => stores.close());

async function addKey(
  key: string,
  role: Role,
  advertiser: string | null,
  ends: Partial<typeof apiKeys.$inferInsert> = {},
) {
  await stores.db.insert(apiKeys).values({
    id: key,
    name: key,
    keySha256: createHash("sha256").update(key).digest("hex"),
    role,
    advertiserId: advertiser === null ? null : advertiserIdSchema.parse(advertiser),
    ...ends,
  });
}

interface Asked {
  readonly key?: string | null;
  readonly path?: Readonly<Record<string, string>>;
  readonly user?: string;
}

function ask<Params extends z.ZodObject>(
  endpoint: Endpoint<Params>,
  query: string,
  { key = "engineer-key", path = {}, user }: Asked = {},
): Promise<Response> {
  const faults: unknown[] = [];
  const request = new Request(`http://web${endpoint.path}?${query}`, {
    headers: key === null ? {} : { Authorization: `Bearer ${key}` },
  });
  return answerRequest(endpoint, request, path, {
    stores,
    sessionUser: async () => (user === undefined ? null : { id: user }),
    nowMs,
    onFault: (error) => faults.push(error),
  }).then((response) => {
    if (faults.length > 0) throw faults[0];
    return response;
  });
}

const pageSchema = z.object({
  rows: z.array(z.object({ id: z.string() })),
  next_cursor: z.string().nullable(),
});

const day = "from=2026-10-28T00:00:00Z&to=2026-10-29T00:00:00Z";

describe("a caller", () => {
  it.each([
    ["without a key", null],
    ["with an unknown key", "nobody-key"],
    ["with a revoked key", "revoked-key"],
    ["with a key whose time is over", "expired-key"],
  ])("%s is refused with 401 and told how to ask", async (_who, key) => {
    const response = await ask(reportEndpoint, day, { key });
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe("Bearer");
    expect(await response.json()).toEqual({
      error: { code: "unauthorized", message: expect.any(String) },
    });
  });

  it("without the scope gets 403, whatever it asks for", async () => {
    const key = "acme-key";
    const refused = [
      ask(driftEndpoint, day, { key }),
      ask(partitionsEndpoint, "", { key }),
      ask(jobEndpoint, "", { key, path: { id: "1" } }),
      ask(eventEndpoint, "", { key, path: { event_id: "event-of-acme" } }),
      ask(pipelineHealthEndpoint, "", { key }),
      ask(pipelineHealthEndpoint, "", { key: "manager-key" }),
    ];
    for (const response of await Promise.all(refused)) expect(response.status).toBe(403);
  });

  it("with a session sees what its user sees", async () => {
    const user = { id: "u1", name: "Ann", email: "ann@acme.test" };
    await stores.db.insert(users).values(user);
    const none = await ask(advertisersEndpoint, "", { key: null, user: "u1" });
    expect(none.status).toBe(403);
    await stores.db.insert(userRoles).values({ userId: "u1", role: "advertiser" });
    const advertiserId = advertiserIdSchema.parse("other");
    await stores.db.insert(advertiserMembers).values({ userId: "u1", advertiserId });
    const own = await ask(advertisersEndpoint, "", { key: null, user: "u1" });
    expect(await own.json()).toMatchObject({ rows: [{ id: "other" }], next_cursor: null });
    // A bad key is not made good by a cookie that comes with it.
    const both = await ask(advertisersEndpoint, "", { key: "nobody-key", user: "u1" });
    expect(both.status).toBe(401);
  });
});

describe("another tenant's id", () => {
  it("is as unknown as one that never was", async () => {
    const key = "acme-key";
    const answers = await Promise.all([
      ask(reportEndpoint, `${day}&advertiser_id=other`, { key }),
      ask(reportEndpoint, `${day}&advertiser_id=never`, { key }),
      ask(reportEndpoint, `${day}&campaign_id=b1`, { key }),
      ask(reportEndpoint, `${day}&campaign_id=never`, { key }),
      ask(reportEndpoint, `${day}&advertiser_id=acme&advertiser_id=other`, { key }),
      ask(campaignsEndpoint, "advertiser_id=other", { key }),
      ask(billingExportEndpoint, "advertiser_id=other&month=2026-10", { key }),
    ]);
    for (const response of answers) {
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ error: { code: "not_found" } });
    }
  });

  it("appears in no answer of its own", async () => {
    const key = "acme-key";
    const report = await ask(reportEndpoint, `mode=billing&${day}&dimensions=advertiser,campaign`, {
      key,
    });
    expect(await report.json()).toMatchObject({
      rows: [{ advertiser: "acme", campaign: "a1", clicks: 3 }],
      meta: { versions: [{ advertiser: "acme", day: "2026-10-28", version: 1 }] },
    });
    const campaigns = await ask(campaignsEndpoint, "", { key });
    expect(JSON.stringify(await campaigns.json())).not.toContain("b1");
  });
});

describe("a bad parameter", () => {
  it.each([
    ["from", "to=2026-10-29T00:00:00Z"],
    ["from", "from=yesterday&to=2026-10-29T00:00:00Z"],
    ["from", "from=2026-10-28T00:00:00&to=2026-10-29T00:00:00Z"],
    ["to", "from=2026-10-28T00:00:00Z&to=2026-10-28T00:00:00Z"],
    ["mode", `${day}&mode=guess`],
    ["tz", `${day}&tz=Mars/Olympus`],
    ["dimensions", `${day}&dimensions=campaign,colour`],
    ["granularity", `${day}&mode=billing&granularity=minute`],
    ["campain_id", `${day}&campain_id=a1`],
    ["mode", `${day}&mode=billing&mode=dashboard`],
    ["campaign_id", `${day}&campaign_id=`],
  ])("is answered with 400 that names %s: %s", async (name, query) => {
    const response = await ask(reportEndpoint, query);
    expect(response.status).toBe(400);
    const { error } = await response.json();
    expect(error.code).toBe("bad_parameter");
    expect(error.message).toMatch(new RegExp(`^${name}:`));
  });

  it("takes a zone whose plus sign came as a space", async () => {
    const query = "from=2026-10-28T02:00:00+02:00&to=2026-10-29T00:00:00Z&mode=billing";
    const response = await ask(reportEndpoint, query);
    expect(await response.json()).toMatchObject({ rows: [{ clicks: 6 }] });
  });
});

describe("answers", () => {
  it("of the report come as JSON, exactly as its schema says, and as CSV", async () => {
    const query = `mode=billing&${day}&granularity=day&dimensions=campaign&advertiser_id=acme`;
    const json = await ask(reportEndpoint, query);
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
    const csv = await ask(reportEndpoint, `${query}&format=csv`);
    expect(csv.headers.get("content-type")).toBe("text/csv; charset=utf-8");
    expect(await csv.text()).toBe(
      "time,campaign,campaign_name,clicks,gross_clicks,net_clicks,invalid_clicks," +
        "duplicate_clicks,impressions,conversions,unique_users,cost_micros,currency\r\n" +
        "2026-10-28T00:00:00.000Z,a1,Campaign a1,3,3,3,0,0,0,0,2,750000,EUR\r\n",
    );
  });

  it("of a month's billing have a row per day and campaign", async () => {
    const response = await ask(billingExportEndpoint, "advertiser_id=acme&month=2026-10", {
      key: "acme-key",
    });
    expect(response.headers.get("content-disposition")).toContain("billing-acme-2026-10.csv");
    expect((await response.text()).split("\r\n")).toEqual([
      "month,day,advertiser_id,advertiser_name,campaign_id,campaign_name,version,finality,clicks," +
        "gross_clicks,net_clicks,duplicate_clicks,impressions,conversions,unique_users," +
        "cost_micros,cost,currency",
      "2026-10,2026-10-28,acme,Advertiser acme,a1,Campaign a1,1,settling,3,3,3,0,0,0,2,750000," +
        "0.750000,EUR",
      "",
    ]);
  });

  it("of lists go on where the page before ended", async () => {
    const seen: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const query: string = `advertiser_id=acme&limit=2${cursor && `&cursor=${cursor}`}`;
      const page = pageSchema.parse(await (await ask(campaignsEndpoint, query)).json());
      expect(page.rows.length).toBeLessThanOrEqual(2);
      seen.push(...page.rows.map((row) => row.id));
      cursor = page.next_cursor;
    }
    expect(seen).toEqual(["a1", "a2", "a3"]);

    const first = await (await ask(partitionsEndpoint, "limit=1")).json();
    expect(first.rows).toMatchObject([{ advertiser: "acme", version: 1, current: true }]);
    const second = await (
      await ask(partitionsEndpoint, `limit=1&cursor=${first.next_cursor}`)
    ).json();
    expect(second).toMatchObject({ rows: [{ advertiser: "other" }], next_cursor: null });
    expect((await ask(partitionsEndpoint, "cursor=nonsense")).status).toBe(400);
  });

  it("of a job show its inputs, and of an event where it is billed", async () => {
    const job = await ask(jobEndpoint, "", { path: { id: String(acmeJob) } });
    expect(jobEndpoint.answer.parse(await job.json())).toMatchObject({
      advertiser: "acme",
      version: 1,
      objects: [{ sha256: "0".repeat(64), rows: 1 }],
    });
    const event = await ask(eventEndpoint, "", { path: { event_id: "event-of-acme" } });
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
    expect((await ask(jobEndpoint, "", { path: { id: "999999" } })).status).toBe(404);
    expect((await ask(eventEndpoint, "", { path: { event_id: "never-was-here" } })).status).toBe(
      404,
    );
  });

  it("of drift and of the pipeline add up", async () => {
    const drift = await ask(driftEndpoint, `${day}&campaign_id=a1`);
    expect(driftEndpoint.answer.parse(await drift.json())).toMatchObject({
      rows: [{ campaign: "a1", stream: 3, truth: 3, causes: {}, unexplained: 0 }],
    });
    const health = await ask(pipelineHealthEndpoint, "");
    expect(pipelineHealthEndpoint.answer.parse(await health.json())).toMatchObject({
      identity: { received: 10, counted: 7, duplicate: 2, invalid: 1, late: 0, in_flight: 0 },
      duplicate_rate: 0.2,
    });
  });
});
