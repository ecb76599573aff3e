import { TRPCError } from "@trpc/server";
import { advertiserMembers, userRoles, users } from "@trueclick/db/postgres/schema/auth";
import { fillAdvertiser, fillHot, publishTruth } from "@trueclick/db/testing/fillStores";
import { openTestStores, type TestStores } from "@trueclick/db/testing/testStores";
import type { Role } from "@trueclick/shared/access";
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAccess } from "./access.ts";
import { appRouter } from "./root.ts";
import { createCallerFactory } from "./trpc.ts";

const acme = advertiserIdSchema.parse("acme");
const other = advertiserIdSchema.parse("other");
const nowMs = Date.parse("2026-10-30T12:00:00Z");
const hour = "2026-10-28T10:00:00Z";
const range = { fromMs: Date.parse("2026-10-28T00:00:00Z"), toMs: nowMs };

let stores: TestStores;
let acmeJob: number;
let otherJob: number;

beforeAll(async () => {
  stores = await openTestStores();
  await fillAdvertiser(stores, { id: "acme", campaigns: ["a1"] });
  await fillAdvertiser(stores, { id: "other", campaigns: ["b1"] });
  const cell = { hour, events: 3, costMicros: 750_000, users: [1, 2] };
  const day = "2026-10-28";
  acmeJob = await publishTruth(stores, {
    advertiser: "acme",
    day,
    cells: [{ ...cell, campaign: "a1" }],
  });
  otherJob = await publishTruth(stores, {
    advertiser: "other",
    day,
    cells: [{ ...cell, campaign: "b1" }],
  });
  await fillHot(stores, [
    { advertiser: "acme", campaign: "a1", at: hour, clicks: 3 },
    { advertiser: "other", campaign: "b1", at: hour, clicks: 5 },
  ]);
  await addUser("engineer", "engineer");
  await addUser("manager", "account_manager");
  await addUser("acme-user", "advertiser");
  await stores.db.insert(advertiserMembers).values({ userId: "acme-user", advertiserId: acme });
  await addUser("nobody", null);
});
afterAll(() => stores.close());

async function addUser(id: string, role: Role | null) {
  await stores.db.insert(users).values({ id, name: id, email: `${id}@test.example` });
  if (role !== null) await stores.db.insert(userRoles).values({ userId: id, role });
}

function callerOf(userId: string | null) {
  const access = createAccess(stores.db);
  return createCallerFactory(appRouter)({ userId, access, stores, nowMs });
}
type Caller = ReturnType<typeof callerOf>;

/** Every procedure there is, called on an advertiser's behalf with input that is good. */
const CALLS: Readonly<
  Record<string, (caller: Caller, advertiserId: typeof acme) => Promise<unknown>>
> = {
  "audit.job": (caller, advertiserId) =>
    caller.audit.job({ advertiserId, jobId: advertiserId === acme ? acmeJob : otherJob }),
  "audit.partitions": (caller, advertiserId) =>
    caller.audit.partitions({ advertiserId, fromDay: "2026-10-01", toDay: "2026-10-31" }),
  "audit.versionDiff": (caller, advertiserId) =>
    caller.audit.versionDiff({ advertiserId, day: "2026-10-28", before: 1, after: 1 }),
  "audit.verification": (caller, advertiserId) =>
    caller.audit.verification({ advertiserId, day: "2026-10-28", version: 1 }),
  "audit.verify": (caller, advertiserId) =>
    caller.audit.verify({ advertiserId, day: "2026-10-28", version: 1 }),
  "billing.month": (caller, advertiserId) =>
    caller.billing.month({ advertiserId, month: "2026-10" }),
  "campaigns.list": (caller, advertiserId) => caller.campaigns.list({ advertiserId }),
  "dashboard.report": (caller, advertiserId) =>
    caller.dashboard.report({
      advertiserId,
      ...range,
      mode: "dashboard",
      granularity: "total",
      dimensions: [],
      timeZone: "UTC",
      filters: {},
    }),
  "dashboard.pacing": (caller, advertiserId) => caller.dashboard.pacing({ advertiserId }),
  "drift.byCampaignHour": (caller, advertiserId) =>
    caller.drift.byCampaignHour({ advertiserId, ...range }),
  "pipeline.cost": (caller) => caller.pipeline.cost(),
  "pipeline.drift": (caller) => caller.pipeline.drift(),
  "pipeline.health": (caller) => caller.pipeline.health(),
  "pipeline.refused": (caller) => caller.pipeline.refused(),
};

type Outcome = "OK" | TRPCError["code"];

/** What each role gets from each procedure, on its own advertiser. */
const OUTCOMES: Readonly<Record<string, Readonly<Record<Role, Outcome>>>> = {
  "audit.job": { engineer: "OK", account_manager: "OK", advertiser: "FORBIDDEN" },
  "audit.partitions": { engineer: "OK", account_manager: "OK", advertiser: "FORBIDDEN" },
  "audit.versionDiff": { engineer: "OK", account_manager: "OK", advertiser: "FORBIDDEN" },
  "audit.verification": { engineer: "OK", account_manager: "OK", advertiser: "FORBIDDEN" },
  "audit.verify": { engineer: "OK", account_manager: "OK", advertiser: "FORBIDDEN" },
  "billing.month": { engineer: "OK", account_manager: "OK", advertiser: "OK" },
  "campaigns.list": { engineer: "OK", account_manager: "OK", advertiser: "OK" },
  "dashboard.pacing": { engineer: "OK", account_manager: "OK", advertiser: "OK" },
  "dashboard.report": { engineer: "OK", account_manager: "OK", advertiser: "OK" },
  "drift.byCampaignHour": { engineer: "OK", account_manager: "OK", advertiser: "FORBIDDEN" },
  "pipeline.cost": { engineer: "OK", account_manager: "FORBIDDEN", advertiser: "FORBIDDEN" },
  "pipeline.drift": { engineer: "OK", account_manager: "FORBIDDEN", advertiser: "FORBIDDEN" },
  "pipeline.health": { engineer: "OK", account_manager: "FORBIDDEN", advertiser: "FORBIDDEN" },
  "pipeline.refused": { engineer: "OK", account_manager: "FORBIDDEN", advertiser: "FORBIDDEN" },
};

/** Procedures about the installation: no advertiser could be a stranger's. */
const OPERATOR_PROCEDURES = [
  "pipeline.cost",
  "pipeline.drift",
  "pipeline.health",
  "pipeline.refused",
];

const USER_OF: Readonly<Record<Role, string>> = {
  engineer: "engineer",
  account_manager: "manager",
  advertiser: "acme-user",
};

async function outcomeOf(call: Promise<unknown> | undefined): Promise<Outcome> {
  try {
    await call;
    return "OK";
  } catch (error) {
    if (error instanceof TRPCError) return error.code;
    throw error;
  }
}

it("has a row for every procedure there is", () => {
  const procedures = Object.keys(appRouter._def.procedures).sort();
  expect(Object.keys(CALLS).sort()).toEqual(procedures);
  expect(Object.keys(OUTCOMES).sort()).toEqual(procedures);
});

describe.each(Object.keys(CALLS))("%s", (name) => {
  const call = (userId: string | null, advertiserId: typeof acme) =>
    outcomeOf(CALLS[name]?.(callerOf(userId), advertiserId));

  it.each(Object.entries(OUTCOMES[name] ?? {}))("answers the role %s with %s", async (role, is) => {
    const userId = Object.entries(USER_OF).find(([of]) => of === role)?.[1] ?? null;
    expect(await call(userId, acme)).toBe(is);
  });

  it("refuses whoever is not signed in", async () => {
    expect(await call(null, acme)).toBe("UNAUTHORIZED");
  });

  if (!OPERATOR_PROCEDURES.includes(name)) {
    // A 403 would tell a stranger that the advertiser exists.
    it("does not know another tenant's advertiser, nor one that does not exist", async () => {
      expect(await call("acme-user", other)).toBe("NOT_FOUND");
      expect(await call("nobody", acme)).toBe("NOT_FOUND");
      expect(await call("engineer", advertiserIdSchema.parse("missing"))).toBe("NOT_FOUND");
    });
  }
});

it("shows no job of one advertiser under the name of another", async () => {
  const call = callerOf("engineer").audit.job({ advertiserId: acme, jobId: otherJob });
  expect(await outcomeOf(call)).toBe("NOT_FOUND");
});

it("counts nothing of another tenant, whatever the filters ask for", async () => {
  const report = await callerOf("acme-user").dashboard.report({
    advertiserId: acme,
    ...range,
    mode: "dashboard",
    granularity: "total",
    dimensions: ["campaign"],
    timeZone: "UTC",
    filters: { campaign: ["a1", "b1"] },
  });
  expect(report.rows.map(({ campaign, clicks }) => [campaign, clicks])).toEqual([["a1", 3]]);
});

it("takes a right away at once: the role is asked for at every call", async () => {
  await addUser("leaving", "engineer");
  const caller = callerOf("leaving");
  expect(await outcomeOf(caller.pipeline.health())).toBe("OK");
  await stores.db.delete(userRoles).where(eq(userRoles.userId, "leaving"));
  expect(await outcomeOf(caller.pipeline.health())).toBe("FORBIDDEN");
});
