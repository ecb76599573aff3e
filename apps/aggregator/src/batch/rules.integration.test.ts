import { NOON_MS, storedEvent } from "@trueclick/archive/testing/storedEvents";
import { dayBounds, dayOf } from "@trueclick/shared/calendar";
import { EVENT_FLAGS, type StoredEvent } from "@trueclick/shared/event/stored";
import { DAY_MS, SECOND_MS } from "@trueclick/shared/time";
import { quickVerdict } from "@trueclick/shared/verdict";
import { rulesInForce, STANDARD_RULES } from "@trueclick/shared/verdict/rules";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { AGENT_LIBRARIES } from "./adapters/agentLibraries.ts";
import type { JudgeInputs } from "./domain/judgeSql.ts";
import { type BatchWorld, openBatchWorld } from "./testing/batchWorld.ts";
import { judgeBothWays, pinnedCampaign } from "./testing/judgeBothWays.ts";
import { campaignsOf, decisionsOf, ledger, ranks, sentOf } from "./testing/ledger.ts";

const DAY = dayOf(NOON_MS, "UTC");

let world: BatchWorld;
beforeAll(async () => {
  world = await openBatchWorld();
});
afterAll(() => world.close());

let serial = 0;
const fresh = (prefix: string) => {
  serial += 1;
  return `${prefix}_${String(serial).padStart(5, "0")}`;
};

type Sent = Partial<StoredEvent> & { readonly id?: string };

/** Sends events to a campaign of a new advertiser, counts its day, and tells the verdicts by id. */
async function judge(events: readonly Sent[], campaignId = fresh("cmp")) {
  const advertiser = fresh("adv");
  await world.addAdvertiser(advertiser, {
    timeZone: "UTC",
    campaigns: [{ id: campaignId, rates: [[0, 5n]] }],
  });
  const sent = events.map(({ id = fresh("event"), ...fields }) =>
    storedEvent({ event_id: id, campaign_id: campaignId, ...fields }),
  );
  await world.archive.append(sent);
  await world.archive.archiveAll();
  await world.recount(advertiser, DAY);
  const truth = await world.current(advertiser, DAY);
  const verdicts = new Map(truth?.rejects.map(({ eventId, verdict }) => [eventId, verdict]));
  return { truth, sent, verdicts: sent.map(({ event_id }) => verdicts.get(event_id) ?? "valid") };
}

// Stream and truth must agree on what both can know: each difference shows as drift to be explained.
it("judges by the same words and order as the stream does", async () => {
  const flagSets = Array.from({ length: 2 ** EVENT_FLAGS.length }, (_, bits) =>
    EVENT_FLAGS.filter((_flag, at) => (bits & (1 << at)) !== 0),
  );
  const facts = flagSets.flatMap((flags) => [true, false].map((test) => ({ flags, test })));
  const { verdicts } = await judge(facts, "it's \\ 1");
  expect(verdicts).toEqual(facts.map((fact) => quickVerdict({ ...fact, campaignKnown: true })));
});

// The guidelines' two passes. What the edge's list said at the time is not what decides.
it("tells robots and what is no browser by the pinned libraries, and phones called CUBOT apart", async () => {
  const agents = [
    ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36", "valid"],
    ["Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 Chrome/99.0 Mobile", "valid"],
    ["Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bot_user_agent"],
    ["curl/8.5.0", "bot_user_agent"],
    ["Dalvik/1.6.0 (Linux; U; Android 4.1.2; GT-S5282 Build/JZO54K)", "not_a_browser"],
    ["it's \\ ünknown\t", "not_a_browser"],
  ] as const;
  const { verdicts } = await judge([
    ...agents.map(([user_agent]) => ({ user_agent })),
    { user_agent: agents[0][0], flags: ["bot_user_agent"] },
    { flags: ["bot_user_agent"] },
  ]);
  expect(verdicts).toEqual([...agents.map(([, verdict]) => verdict), "valid", "bot_user_agent"]);
});

const at = (seconds: number) => NOON_MS + seconds * SECOND_MS;

// COUNTER's rule: of two clicks within 30 seconds the first is removed and the second retained, and
// so on along a chain; its example is 10:01:00, 10:01:29 (one action) and 10:01:35 (two).
it.each([
  ["29 seconds", [0, 29], ["double_click", "valid"]],
  ["30 seconds", [0, 30], ["double_click", "valid"]],
  ["a millisecond more", [0, 30.001], ["valid", "valid"]],
  ["35 seconds", [0, 35], ["valid", "valid"]],
  [
    "a chain",
    [0, 20, 40, 60, 95],
    ["double_click", "double_click", "double_click", "valid", "valid"],
  ],
  ["the same instant", [5, 5], ["double_click", "valid"]],
])(
  "keeps the last of the clicks of a person on an ad within %s",
  async (_what, times, expected) => {
    const clicks = times.map((seconds, index) => ({
      event_time: at(seconds),
      ingest_time: at(100 + index),
      user_id: "u",
    }));
    expect((await judge(clicks)).verdicts).toEqual(expected);
  },
);

it("knows a person by the login, else by address and user agent, and only on the same ad", async () => {
  const agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36";
  const anonymous = { user_id: undefined, ip_hash: "ab", user_agent: agent };
  const { verdicts } = await judge([
    { ...anonymous, event_time: at(0) },
    { ...anonymous, event_time: at(1), user_agent: `${agent} Edg/1` },
    { ...anonymous, event_time: at(2), ad_id: "ad_2" },
    { ...anonymous, event_time: at(3), ip_hash: "cd" },
    { ...anonymous, event_time: at(4), event_type: "impression" },
    { ...anonymous, event_time: at(5) },
    { user_id: undefined, event_time: at(6) },
    { user_id: undefined, event_time: at(7) },
  ]);
  expect(verdicts).toEqual(["double_click", ...Array(7).fill("valid")]);
});

// A click must not be given up for one that does not count either, nor for a copy of itself.
it("gives no click up for a robot's, a test's, or a retry", async () => {
  const id = fresh("event");
  const { truth } = await judge([
    { id, user_id: "u", event_time: at(0) },
    { id, user_id: "u", event_time: at(0), ingest_time: at(9) },
    { user_id: "u", event_time: at(1), flags: ["prefetch"] },
    { user_id: "u", event_time: at(2), test: true },
  ]);
  expect(truth?.lines).toMatchObject([{ clicks: 1n, costMicros: 5n }]);
  expect(truth?.rejects.map(({ verdict }) => verdict).sort()).toEqual([
    "duplicate",
    "prefetch",
    "test",
  ]);
});

it("takes a copy that names another user for a conflict, and one that says the same for a duplicate", async () => {
  const id = fresh("event");
  const { truth } = await judge([
    { id, user_id: "u" },
    { id, user_id: "v" },
    { id, user_id: "u" },
  ]);
  expect(truth?.lines).toMatchObject([{ clicks: 1n }]);
  expect(truth?.rejects.map(({ verdict }) => verdict).sort()).toEqual(["duplicate", "id_conflict"]);
});

it("keeps both clicks of a person on ads of two campaigns that have one name", async () => {
  const advertiser = fresh("adv");
  const campaigns = [fresh("cmp"), fresh("cmp")];
  const rates = [[0, 5n]] satisfies [number, bigint][];
  const seeds = campaigns.map((id) => ({ id, rates }));
  await world.addAdvertiser(advertiser, { timeZone: "UTC", campaigns: seeds });
  const clicks = campaigns.map((campaign_id, second) =>
    storedEvent({ event_id: fresh("event"), campaign_id, user_id: "u", event_time: at(second) }),
  );
  await world.archive.append(clicks);
  await world.archive.archiveAll();
  await world.recount(advertiser, DAY);
  const truth = await world.current(advertiser, DAY);
  expect(truth?.rejects).toEqual([]);
  expect(truth?.lines).toMatchObject([{ clicks: 1n }, { clicks: 1n }]);
});

// The topic was given partitions between the two: the stream counts both, truth must not.
it("counts an event once whose copies lie in two partitions", async () => {
  const campaignId = fresh("cmp");
  const copy = storedEvent({ event_id: fresh("event"), campaign_id: campaignId });
  for (const partition of [0, 1]) {
    await world.archive.appendBlock(partition, Buffer.from(JSON.stringify(copy)));
  }
  const { truth } = await judge([{}], campaignId);
  expect(truth?.lines).toMatchObject([{ clicks: 2n, costMicros: 10n }]);
  expect(truth?.rejects).toMatchObject([{ eventId: copy.event_id, verdict: "duplicate" }]);
});

// A person with eleven clicks in a minute on different ads; each is sent twice, as retries are.
it("takes all clicks of a person with more than ten in a minute for velocity, retries aside", async () => {
  const clicks = (count: number, user_id: string) =>
    Array.from({ length: count }, (_, index) => ({
      id: fresh("event"),
      user_id,
      ad_id: `ad_${index}`,
      event_time: at(index),
    }));
  const sent = [...clicks(10, "calm"), ...clicks(11, "fast")];
  const again = sent.map((click) => ({ ...click, ingest_time: at(60) }));
  const { truth } = await judge([...sent, ...again]);
  expect(truth?.lines).toMatchObject([{ clicks: 10n, duplicateClicks: 21n }]);
  expect(truth?.verdictCounts).toEqual({ valid: 10, duplicate: 21, velocity: 11 });
});

/** Traffic of so many advertisers is judged by one query. */
const CASES = 40;
/** So few clicks an hour that some have more, and so many that some have fewer. */
const CROWDS = new Map([
  ["velocity_user", 3],
  ["velocity_ip_net", 5],
  ["velocity_publisher", 8],
]);
const TOLD = [
  ...["duplicate", "id_conflict", "test", "bot_user_agent", "not_a_browser", "prefetch"],
  ...["inactive_campaign", "publisher_blocked", "manual", "unlinked", "token_replayed"],
  "double_click",
];

// What the sieve keeps back is billed: it must keep back nothing that the judge would have rejected.
it("judges what its sieve lets through as it would judge all events, whatever comes", async () => {
  const bounds = dayBounds(DAY, "UTC");
  const versions = STANDARD_RULES.map((rule) => {
    const clicks_max = CROWDS.get(rule.id);
    const parameters = clicks_max === undefined ? rule.parameters : { seconds: 3_600, clicks_max };
    return { ...rule, enabled: true, parameters };
  });
  const rules = rulesInForce(versions, bounds);
  // Whoever is suspect of clicking too often hides what another rule must find by itself.
  const patient = rules.filter(({ id }) => !CROWDS.has(id));
  await fc.assert(
    // A seed, so that a failure is told in a line.
    fc.asyncProperty(fc.integer(), async (seed) => {
      const drawn = fc.sample(fc.tuple(ledger, ranks), { numRuns: CASES, seed });
      const runs = drawn.map(() => fresh("run"));
      const sent = drawn.flatMap(([one, order], at) => sentOf(one, order, runs[at] ?? "", bounds));
      await world.archive.append(sent, bounds.toMs + DAY_MS);
      await world.archive.archiveAll();
      const decisions = runs.flatMap((run) => decisionsOf(run, bounds));
      const inputs = {
        bounds,
        campaigns: runs.flatMap((run) => campaignsOf(run, bounds)).map(pinnedCampaign),
        decisions: decisions.map(({ fields, ...range }, id) => {
          const scope = Object.entries(fields).map(([name, value]) => [name, String(value)]);
          return { id, scope: Object.fromEntries(scope), ...range };
        }),
        agentLibraries: AGENT_LIBRARIES,
        datacenterRangesSha256: null,
      };
      const expectSame = async (inForce: JudgeInputs["rules"], told: readonly string[]) => {
        const { plainly, bySieve, ...seen } = await judgeBothWays(world, {
          ...inputs,
          rules: inForce,
        });
        expect(bySieve.map(({ text }) => text)).toEqual(plainly.map(({ text }) => text));
        // Where all are suspects, or nobody meets a rule, nothing is shown.
        expect(seen.suspects).toBeLessThan(seen.events);
        const met = plainly.flatMap(({ matched }) => matched.map((one) => one.split("@")[0]));
        expect([...new Set(met)]).toEqual(expect.arrayContaining([...told]));
      };
      await expectSame(rules, [...TOLD, ...CROWDS.keys()]);
      await expectSame(patient, TOLD);
    }),
    { numRuns: 1, endOnFailure: true },
  );
});
