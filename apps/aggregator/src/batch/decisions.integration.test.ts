import { NOON_MS, storedEvent } from "@trueclick/archive/testing/storedEvents";
import { impressionRequirements } from "@trueclick/db/postgres/schema/campaigns";
import { batchJobs } from "@trueclick/db/postgres/schema/truth";
import { addCampaignStatus } from "@trueclick/db/queries/campaignStatuses";
import { truthDirtyDays } from "@trueclick/db/queries/dirtyDays";
import { addDecisions, listDecisions, revokeDecision } from "@trueclick/db/queries/fraudDecisions";
import { addRuleVersion } from "@trueclick/db/queries/ruleVersions";
import { versionDiff } from "@trueclick/db/queries/versionDiff";
import { addDays, dayBounds, dayOf } from "@trueclick/shared/calendar";
import { advertiserIdSchema, campaignIdSchema } from "@trueclick/shared/ids";
import { DAY_MS, HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { asc, eq } from "drizzle-orm";
import { afterEach, beforeEach, expect, it } from "vitest";
import { AGENT_LIBRARIES } from "./adapters/agentLibraries.ts";
import { createClickHouseTruthEngine } from "./adapters/clickhouseTruthEngine.ts";
import { createPostgresInputsStore } from "./adapters/postgresInputsStore.ts";
import { runJob } from "./pipeline/runJob.ts";
import { type BatchWorld, openBatchWorld } from "./testing/batchWorld.ts";

const DAY = dayOf(NOON_MS, "UTC");
const NEXT_DAY = addDays(DAY, 1);
const always = { fromMs: NOON_MS - 5 * DAY_MS, toMs: NOON_MS + 5 * DAY_MS };
const audit = { origin: "manual", createdBy: "test" } as const;

let world: BatchWorld;
beforeEach(async () => {
  world = await openBatchWorld();
  for (const advertiser of ["adv_1", "adv_2"]) {
    await world.addAdvertiser(advertiser, {
      timeZone: "UTC",
      campaigns: [{ id: `cmp_of_${advertiser}`, rates: [[0, 10n]] }],
    });
  }
  const click = (id: string, advertiser: string, dayAfter: number, publisher: string) =>
    storedEvent({
      event_id: `event-000${id}`,
      event_time: NOON_MS + dayAfter * DAY_MS,
      campaign_id: `cmp_of_${advertiser}`,
      publisher_id: publisher,
      user_id: `user-${id}`,
    });
  await world.archive.append(
    [
      click("1", "adv_1", 0, "good"),
      click("2", "adv_1", 0, "bad"),
      click("3", "adv_1", 1, "good"),
      click("4", "adv_2", 0, "good"),
    ],
    NOON_MS + 2 * DAY_MS,
  );
  await world.archive.archiveAll();
  for (const [advertiser, day] of PARTITIONS) await world.recount(advertiser, day);
});
afterEach(() => world.close());

const PARTITIONS = [
  ["adv_1", DAY],
  ["adv_1", NEXT_DAY],
  ["adv_2", DAY],
] as const;

const stores = () => ({ db: world.archive.db, clickhouse: world.archive.clickhouse });

/** Runs what is queued, and tells of each partition what came of it. */
async function workOff(): Promise<string[]> {
  const queued = await world.archive.db
    .select()
    .from(batchJobs)
    .where(eq(batchJobs.state, "queued"))
    .orderBy(asc(batchJobs.advertiserId), asc(batchJobs.billingDay));
  const { signal } = new AbortController();
  for (let left = queued.length; left > 0; left -= 1) {
    const job = await world.queue.take();
    if (job === null) throw new Error("the job was not handed out");
    await runJob(world.stores, job, signal);
  }
  const jobs = await world.jobs();
  return queued.map(({ id, advertiserId, billingDay }) => {
    const state = jobs.find((job) => job.id === id)?.state;
    return `${advertiserId} ${billingDay === DAY ? "day" : "next day"} ${state}`;
  });
}

const costs = () =>
  Promise.all(
    PARTITIONS.map(async ([advertiser, day]) => (await world.current(advertiser, day))?.costMicros),
  );

// A decision that recounts everybody costs a night; one that misses a day leaves money with a fraud.
it("counts only the days again whose events a decision is about, and gives them back when revoked", async () => {
  expect(await costs()).toEqual([20n, 10n, 10n]);
  const { ids } = await addDecisions(
    stores(),
    [{ scope: { publisherId: "bad" }, range: always, reason: "click farm" }],
    audit,
  );
  expect(await workOff()).toEqual(["adv_1 day published"]);
  expect(await costs()).toEqual([10n, 10n, 10n]);
  expect((await world.current("adv_1", DAY))?.rejects).toMatchObject([
    { eventId: "event-0002", verdict: "publisher_blocked" },
  ]);
  expect(await world.current("adv_1", DAY)).toMatchObject({
    cause: "fraud decision 1: click farm",
  });

  const [id = 0] = ids;
  const asked = { advertiserId: advertiserIdSchema.parse("adv_1"), billingDay: DAY };
  const diff = await versionDiff(stores(), { kind: "all" }, { ...asked, before: 1, after: 2 });
  expect(diff).toMatchObject({
    costMicros: -10n,
    moved: [
      { campaign: "cmp_of_adv_1", verdict: "publisher_blocked", events: 1, costMicros: 0n },
      { campaign: "cmp_of_adv_1", verdict: "valid", events: -1, costMicros: -10n },
    ],
    added: { decisions: [id], rules: [], campaigns: [], objects: [] },
    removed: { decisions: [], rules: [], campaigns: [], objects: [] },
    changed: [],
  });
  // Another tenant's versions are not there.
  const stranger = { kind: "advertisers", ids: [advertiserIdSchema.parse("adv_2")] } as const;
  expect(await versionDiff(stores(), stranger, { ...asked, before: 1, after: 2 })).toBeNull();

  // A partner sends its file again when it is not sure; what stood twice had to be revoked twice.
  const bad = { scope: { publisherId: "bad" }, range: always, reason: "click farm" };
  const news = { ...bad, range: { ...always, toMs: always.toMs + 1 } };
  const again = await Promise.all([
    addDecisions(stores(), [bad, news, news], audit),
    addDecisions(stores(), [news, bad], audit),
  ]);
  const said = again.flatMap(({ standing }) => standing);
  const [newsId = 0, ...others] = again.flatMap((answer) => answer.ids);
  expect([others, said.toSorted()]).toEqual([[], [id, id, newsId]]);
  await revokeDecision(stores(), newsId, { reason: "a mistake", createdBy: "boss" });
  expect(await workOff()).toEqual(["adv_1 day verified"]);
  const scope = { ...bad.scope, advertiserId: advertiserIdSchema.parse("nobody") };
  const nobodys = addDecisions(stores(), [{ ...bad, scope }], audit);
  await expect(nobodys).rejects.toThrow(new RangeError("there is no advertiser nobody"));

  await revokeDecision(stores(), id, { reason: "a mistake", createdBy: "boss" });
  expect(await workOff()).toEqual(["adv_1 day published"]);
  expect(await costs()).toEqual([20n, 10n, 10n]);
  await expect(
    revokeDecision(stores(), id, { reason: "again", createdBy: "boss" }),
  ).rejects.toThrow("was revoked");
  expect(await listDecisions(stores())).toMatchObject([
    { id: newsId, revoked: { by: "boss" } },
    { id, reason: "click farm", createdBy: "test", revoked: { reason: "a mistake", by: "boss" } },
  ]);
});

it.each([
  ["an event id", { eventId: "event-0003" }, ["adv_1 next day published"]],
  [
    "a campaign and a user",
    { campaignId: "cmp_of_adv_2", userId: "user-4" },
    ["adv_2 day published"],
  ],
  ["an ad that nobody clicked", { adId: "ad_9" }, []],
  // Where a user was is in no table: all days of the range are counted, and most come out as they were.
  [
    "a user",
    { userId: "user-1" },
    ["adv_1 day published", "adv_1 next day verified", "adv_2 day verified"],
  ],
])("finds the days of %s", async (_what, scope, expected) => {
  await addDecisions(stores(), [{ scope, range: always, reason: "a partner's word" }], audit);
  expect(await workOff()).toEqual(expected);
});

it("leaves days alone that lie outside of a decision's time", async () => {
  const range = { fromMs: NOON_MS + SECOND_MS, toMs: NOON_MS + HOUR_MS };
  await addDecisions(stores(), [{ scope: { publisherId: "bad" }, range, reason: "later" }], audit);
  expect(await workOff()).toEqual(["adv_1 day verified"]);
  const { toMs } = dayBounds(DAY, "UTC");
  const nextDay = { fromMs: toMs, toMs: toMs + DAY_MS };
  await addDecisions(
    stores(),
    [{ scope: { publisherId: "bad" }, range: nextDay, reason: "next day" }],
    audit,
  );
  // The last clicks of a day depend on those that follow, so the day before is looked at as well.
  expect(await workOff()).toEqual(["adv_1 day verified"]);
});

it("counts the open days again that a new version of a rule judges, and no closed one", async () => {
  const rule = {
    ...({ id: "velocity_publisher", enabled: true, reason: "a trial", createdBy: "test" } as const),
    parameters: { seconds: 3_600, clicks_max: 1 },
    effectiveFromMs: dayBounds(NEXT_DAY, "UTC").fromMs,
  };
  const openMs = dayBounds(NEXT_DAY, "UTC").toMs;
  const { version, closed } = await addRuleVersion(stores(), rule, openMs);
  expect([version, closed]).toEqual([2, []]);
  expect(await workOff()).toEqual([
    "adv_1 day verified",
    "adv_1 next day verified",
    "adv_2 day verified",
  ]);
  // Three days after the first day's end, to the millisecond.
  const later = await addRuleVersion(stores(), rule, dayBounds(DAY, "UTC").toMs + 3 * DAY_MS);
  expect(later.version).toBe(3);
  expect(later.closed).toMatchObject([
    { advertiserId: "adv_1", billingDay: DAY },
    { advertiserId: "adv_2", billingDay: DAY },
  ]);
  expect(await workOff()).toEqual(["adv_1 next day verified"]);
});

// A closed day was shown as final: late events and decisions change it, what is judged by since does not.
it("counts a closed day again by the rules, ranges and needs that it was judged by", async () => {
  const { db, clickhouse, clickhouseObjects, topic } = world.archive;
  const ranges = { sha256: "a".repeat(64), networks: ["203.0.113.0/24"] };
  const judgedBy = { agentLibraries: AGENT_LIBRARIES, datacenterRangesSha256: ranges.sha256 };
  const withRanges = {
    ...world.stores,
    inputs: createPostgresInputsStore(db, { topic, tzdata: "test", ...judgedBy }),
    engine: createClickHouseTruthEngine(clickhouse, clickhouseObjects, ranges),
  };
  const verdicts = async () => (await world.current("adv_1", DAY))?.verdictCounts;
  const late = async (id: string, ip_net?: string) => {
    const of = { campaign_id: "cmp_of_adv_1", publisher_id: "good", user_id: `user-${id}` };
    await world.archive.append([storedEvent({ event_id: `event-000${id}`, ...of, ip_net })]);
    await world.archive.archiveAll();
  };
  await late("5", ranges.networks[0]);
  await world.recountChanged("adv_1", DAY, withRanges);
  expect(await verdicts()).toEqual({ valid: 3 });
  await world.recount("adv_1", DAY, withRanges);
  expect(await verdicts()).toEqual({ valid: 2, datacenter_ip: 1 });

  const campaignId = campaignIdSchema.parse("cmp_of_adv_1");
  const rule = { id: "velocity_publisher", enabled: true, reason: "a trial" } as const;
  const strict = { parameters: { seconds: 3_600, clicks_max: 1 }, effectiveFromMs: 0 };
  await addRuleVersion(stores(), { ...rule, ...strict, createdBy: "test" });
  await db
    .insert(impressionRequirements)
    .values({ campaignId, effectiveFrom: new Date(0), required: true });
  expect(await workOff()).toEqual([]);
  const own = { kind: "advertisers", ids: [advertiserIdSchema.parse("adv_1")] } as const;
  expect(await truthDirtyDays(stores(), own)).toEqual([]);
  await late("6", ranges.networks[0]);
  expect(await world.recountChanged("adv_1", DAY)).toBe("published");
  expect(await verdicts()).toEqual({ valid: 2, datacenter_ip: 2 });
  const bad = { scope: { publisherId: "bad" }, range: always, reason: "click farm" };
  await addDecisions(stores(), [bad], audit);
  expect(await workOff()).toEqual(["adv_1 day published"]);
  expect(await verdicts()).toEqual({ valid: 1, datacenter_ip: 2, publisher_blocked: 1 });

  // Whoever asks for it to be judged anew has it judged as of now.
  await world.recount("adv_1", DAY);
  expect(await verdicts()).toEqual({ unlinked: 3, publisher_blocked: 1 });
});

// A pause that nobody counts again would go on being billed.
it("bills a paused campaign up to the instant of its pause, and again when it goes on", async () => {
  const all = { kind: "all" } as const;
  const change = {
    campaignId: campaignIdSchema.parse("cmp_of_adv_1"),
    status: "paused",
    effectiveFromMs: NOON_MS + 1,
    reason: "out of stock",
    createdBy: "boss",
  } as const;
  expect(await addCampaignStatus(stores(), all, change)).toMatchObject({ isNew: true });
  expect(await workOff()).toEqual(["adv_1 day verified", "adv_1 next day published"]);
  expect(await costs()).toEqual([20n, 0n, 10n]);
  expect(await world.current("adv_1", NEXT_DAY)).toMatchObject({
    cause: "cmp_of_adv_1 paused: out of stock",
    rejects: [{ eventId: "event-0003", verdict: "inactive_campaign" }],
  });

  const goesOn = { ...change, status: "active", effectiveFromMs: NOON_MS + DAY_MS } as const;
  await addCampaignStatus(stores(), all, goesOn);
  expect(await workOff()).toEqual(["adv_1 next day published"]);
  expect(await costs()).toEqual([20n, 10n, 10n]);

  expect(await addCampaignStatus(stores(), all, goesOn)).toMatchObject({ isNew: false });
  expect(await workOff()).toEqual([]);
  const other = { ...goesOn, status: "paused" } as const;
  await expect(addCampaignStatus(stores(), all, other)).rejects.toThrow("is active from");
  const stranger = { kind: "advertisers", ids: [advertiserIdSchema.parse("adv_2")] } as const;
  await expect(addCampaignStatus(stores(), stranger, other)).rejects.toThrow("no campaign");
});
