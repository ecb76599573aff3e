import { advertiserMembers, userRoles, users } from "@trueclick/db/postgres/schema/auth";
import { campaigns as campaignsTable } from "@trueclick/db/postgres/schema/campaigns";
import { apiKeys } from "@trueclick/db/postgres/schema/keys";
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { driftEndpoint, eventEndpoint, jobEndpoint } from "./endpoints/audit.ts";
import { billingExportEndpoint } from "./endpoints/billingExport.ts";
import { advertisersEndpoint, campaignsEndpoint, partitionsEndpoint } from "./endpoints/lists.ts";
import { pacingEndpoint } from "./endpoints/pacing.ts";
import { pipelineHealthEndpoint } from "./endpoints/pipelineHealth.ts";
import { quarantineEndpoint } from "./endpoints/quarantine.ts";
import { reportEndpoint } from "./endpoints/report.ts";
import { versionDiffEndpoint } from "./endpoints/versionDiff.ts";
import { DAY, openRestFixture, type RestFixture } from "./testing/restFixture.ts";

const VERSIONS = "day=2026-10-28&before=1&after=2";

const cursorOf = (key: unknown) => Buffer.from(JSON.stringify(key)).toString("base64url");
const VERSION_KEY = { billingDay: "2026-10-28", advertiserId: "acme" };
const ITEM_KEY = { receivedAtMs: 1, partition: 0, offset: "1" };

let rest: RestFixture;
beforeAll(async () => {
  rest = await openRestFixture();
});
afterAll(() => rest.stores.close());

describe("a caller", () => {
  it.each([
    ["without a key", null],
    ["with an unknown key", "nobody-key"],
    ["with a revoked key", "revoked-key"],
    ["with a key whose time is over", "expired-key"],
  ])("%s is refused with 401 and told how to ask", async (_who, key) => {
    const response = await rest.ask(reportEndpoint, DAY, { key });
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe("Bearer");
    expect(await response.json()).toEqual({
      error: { code: "unauthorized", message: expect.any(String) },
    });
  });

  it("without the scope gets 403, whatever it asks for", async () => {
    const key = "acme-key";
    const refused = [
      rest.ask(driftEndpoint, DAY, { key }),
      rest.ask(partitionsEndpoint, "", { key }),
      rest.ask(versionDiffEndpoint, `advertiser_id=acme&${VERSIONS}`, { key }),
      rest.ask(jobEndpoint, "", { key, path: { id: "1" } }),
      rest.ask(eventEndpoint, "", { key, path: { event_id: "event-of-acme" } }),
      rest.ask(pipelineHealthEndpoint, "", { key }),
      rest.ask(pipelineHealthEndpoint, "", { key: "manager-key" }),
      rest.ask(quarantineEndpoint, "", { key }),
      rest.ask(quarantineEndpoint, "", { key: "manager-key" }),
    ];
    for (const response of await Promise.all(refused)) expect(response.status).toBe(403);
  });

  it("with a session sees what its user sees", async () => {
    const user = { id: "u1", name: "Ann", email: "ann@acme.test" };
    await rest.stores.db.insert(users).values(user);
    const none = await rest.ask(advertisersEndpoint, "", { key: null, user: "u1" });
    expect(none.status).toBe(403);
    await rest.stores.db.insert(userRoles).values({ userId: "u1", role: "advertiser" });
    const advertiserId = advertiserIdSchema.parse("other");
    await rest.stores.db.insert(advertiserMembers).values({ userId: "u1", advertiserId });
    const own = await rest.ask(advertisersEndpoint, "", { key: null, user: "u1" });
    expect(await own.json()).toMatchObject({ rows: [{ id: "other" }], next_cursor: null });
    // A bad key is not made good by a cookie that comes with it.
    const both = await rest.ask(advertisersEndpoint, "", { key: "nobody-key", user: "u1" });
    expect(both.status).toBe(401);
  });
});

// Work for a key that was good before begins before it is looked up; no answer leaves by that.
describe("a key that was good before", () => {
  const query = `mode=billing&${DAY}&dimensions=advertiser`;
  const ask = () => rest.ask(reportEndpoint, query, { key: "acme-key" });
  const change = (to: Partial<typeof apiKeys.$inferInsert>) =>
    rest.stores.db.update(apiKeys).set(to).where(eq(apiKeys.id, "acme-key"));
  const advertisersOf = async (response: Response) => {
    const { rows } = z
      .object({ rows: z.array(z.object({ advertiser: z.string() })) })
      .parse(await response.json());
    return rows.map(({ advertiser }) => advertiser);
  };

  it("shows what it stands for now, and nothing once it is revoked or over", async () => {
    const [acme, other] = ["acme", "other"].map((id) => advertiserIdSchema.parse(id));
    for (const _time of ["unknown", "known"])
      expect(await advertisersOf(await ask())).toEqual([acme]);
    await change({ advertiserId: other });
    expect(await advertisersOf(await ask())).toEqual([other]);
    await change({ advertiserId: null, role: "engineer" });
    expect(await advertisersOf(await ask())).toEqual([acme, other]);
    // The same rows may be seen as before, and less may be asked for.
    const healthStatus = async () =>
      (await rest.ask(pipelineHealthEndpoint, "", { key: "acme-key" })).status;
    expect(await healthStatus()).toBe(200);
    await change({ role: "account_manager" });
    expect(await healthStatus()).toBe(403);
    await change({ advertiserId: acme, role: "advertiser" });
    expect(await advertisersOf(await ask())).toEqual([acme]);
    for (const gone of [{ revokedAt: new Date() }, { expiresAt: new Date(0) }]) {
      await change(gone);
      expect((await ask()).status).toBe(401);
      await change({ revokedAt: null, expiresAt: null });
      expect((await ask()).status).toBe(200);
    }
  });

  it("is told of its mistakes as before", async () => {
    const wrong = () => rest.ask(reportEndpoint, `${DAY}&tz=Mars/Olympus`, { key: "acme-key" });
    for (const _time of ["first", "again"]) expect((await wrong()).status).toBe(400);
  });
});

describe("another tenant's id", () => {
  it("is as unknown as one that never was", async () => {
    const key = "acme-key";
    const answers = await Promise.all([
      rest.ask(reportEndpoint, `${DAY}&advertiser_id=other`, { key }),
      rest.ask(reportEndpoint, `${DAY}&advertiser_id=never`, { key }),
      rest.ask(reportEndpoint, `${DAY}&campaign_id=b1`, { key }),
      rest.ask(reportEndpoint, `${DAY}&campaign_id=never`, { key }),
      rest.ask(reportEndpoint, `${DAY}&advertiser_id=acme&advertiser_id=other`, { key }),
      rest.ask(pacingEndpoint, "advertiser_id=other", { key }),
      rest.ask(pacingEndpoint, "campaign_id=b1", { key }),
      rest.ask(campaignsEndpoint, "advertiser_id=other", { key }),
      rest.ask(billingExportEndpoint, "advertiser_id=other&month=2026-10", { key }),
    ]);
    for (const response of answers) {
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ error: { code: "not_found" } });
    }
  });

  it("of a campaign that never was has no drift, whatever the range", async () => {
    const long = "from=2024-10-28T00:00:00Z&to=2024-10-29T00:00:00Z";
    for (const range of [DAY, long]) {
      const statusOf = async (campaign: string) =>
        (await rest.ask(driftEndpoint, `${range}&campaign_id=${campaign}`)).status;
      expect([await statusOf("never"), await statusOf("a1")]).toEqual([404, 200]);
    }
  });

  it("appears in no answer of its own", async () => {
    const key = "acme-key";
    const report = await rest.ask(
      reportEndpoint,
      `mode=billing&${DAY}&dimensions=advertiser,campaign`,
      {
        key,
      },
    );
    expect(await report.json()).toMatchObject({
      rows: [{ advertiser: "acme", campaign: "a1", clicks: 3 }],
      meta: { versions: [{ advertiser: "acme", day: "2026-10-28", version: 1 }] },
    });
    await rest.stores.db.update(campaignsTable).set({ dailyBudgetMicros: 5_000_000n });
    const pacing = await rest.ask(pacingEndpoint, "", { key });
    const paced = JSON.stringify(await pacing.json());
    expect(paced).toContain('"campaign":"a1"');
    expect(paced).not.toContain("other");
    const campaigns = await rest.ask(campaignsEndpoint, "", { key });
    expect(JSON.stringify(await campaigns.json())).not.toContain("b1");
  });
});

describe("a bad parameter", () => {
  it.each([
    ["from", "to=2026-10-29T00:00:00Z"],
    ["from", "from=yesterday&to=2026-10-29T00:00:00Z"],
    ["from", "from=2026-10-28T00:00:00&to=2026-10-29T00:00:00Z"],
    ["to", "from=2026-10-28T00:00:00Z&to=2026-10-28T00:00:00Z"],
    ["mode", `${DAY}&mode=guess`],
    ["tz", `${DAY}&tz=Mars/Olympus`],
    ["dimensions", `${DAY}&dimensions=campaign,colour`],
    ["granularity", `${DAY}&mode=billing&granularity=minute`],
    ["campain_id", `${DAY}&campain_id=a1`],
    ["mode", `${DAY}&mode=billing&mode=dashboard`],
    ["campaign_id", `${DAY}&campaign_id=`],
  ])("is answered with 400 that names %s: %s", async (name, query) => {
    const response = await rest.ask(reportEndpoint, query);
    expect(response.status).toBe(400);
    const { error } = await response.json();
    expect(error.code).toBe("bad_parameter");
    expect(error.message).toMatch(new RegExp(`^${name}:`));
  });

  // What Postgres has no word for must not become a fault of ours.
  it.each([
    ["advertiser_id", () => rest.ask(reportEndpoint, `${DAY}&advertiser_id=%00`)],
    ["geo", () => rest.ask(reportEndpoint, `${DAY}&geo=D%00`)],
    ["from", () => rest.ask(reportEndpoint, "from=0000-01-01T00:00:00Z&to=0000-01-02T00:00:00Z")],
    ["to", () => rest.ask(driftEndpoint, "from=2026-10-28T00:00:00Z&to=9999-12-31T23:59:59Z")],
    ["from", () => rest.ask(partitionsEndpoint, "from=0000-01-01")],
    ["to", () => rest.ask(partitionsEndpoint, "to=9999-12-31T00:00:00Z")],
    [
      "cursor",
      () =>
        rest.ask(partitionsEndpoint, `cursor=${cursorOf({ ...VERSION_KEY, version: 2 ** 40 })}`),
    ],
    ["cursor", () => rest.ask(advertisersEndpoint, `cursor=${cursorOf("a\0")}`)],
    [
      "cursor",
      () =>
        rest.ask(
          quarantineEndpoint,
          `cursor=${cursorOf({ ...ITEM_KEY, receivedAtMs: -(2 ** 50) })}`,
        ),
    ],
    [
      "cursor",
      () => rest.ask(quarantineEndpoint, `cursor=${cursorOf({ ...ITEM_KEY, partition: 2 ** 40 })}`),
    ],
    ["source", () => rest.ask(quarantineEndpoint, "source=%00")],
    [
      "before",
      () =>
        rest.ask(
          versionDiffEndpoint,
          "advertiser_id=acme&day=2026-10-28&before=2147483648&after=2",
        ),
    ],
    [
      "day",
      () => rest.ask(versionDiffEndpoint, "advertiser_id=acme&day=0000-01-01&before=1&after=2"),
    ],
    ["month", () => rest.ask(billingExportEndpoint, "advertiser_id=acme&month=0000-01")],
  ])("of a kind that no store can hold is named: %s", async (name, ask) => {
    const response = await ask();
    expect(response.status).toBe(400);
    expect((await response.json()).error.message).toMatch(new RegExp(`^${name}:`));
  });

  it("takes a zone whose plus sign came as a space", async () => {
    const query = "from=2026-10-28T02:00:00+02:00&to=2026-10-29T00:00:00Z&mode=billing";
    const response = await rest.ask(reportEndpoint, query);
    expect(await response.json()).toMatchObject({ rows: [{ clicks: 6 }] });
  });
});
