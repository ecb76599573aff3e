import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LedgerEntry } from "./ledger.ts";
import { expectedFromLedger } from "./oracle.ts";
import { demoCatalogue } from "./organisation.ts";
import { HOT_SHARE } from "./popularity.ts";
import { trafficOver } from "./traffic.ts";

const catalogue = demoCatalogue();
const FROM_MS = Date.parse("2026-03-28T22:00:00Z");
const HOUR_MS = 3_600_000;

const runs = fc.record({
  seed: fc.string({ minLength: 1, maxLength: 60 }),
  hours: fc.integer({ min: 1, max: 72 }),
  events: fc.integer({ min: 1, max: 600 }),
});

function generate({ seed, hours, events }: { seed: string; hours: number; events: number }) {
  const range = { fromMs: FROM_MS, toMs: FROM_MS + hours * HOUR_MS };
  return [...trafficOver({ seed, catalogue, people: 500 }, range, events)];
}

/** The verdict of every event from its bytes alone: what the ledger claims must be derivable. */
function judgeFromBytes(ledger: readonly LedgerEntry[]): string[] {
  const seen = new Set<string>();
  return ledger.map(({ event }) => {
    const { event_id, event_time, campaign_id, user_agent, test } = JSON.parse(event);
    const isWhole =
      campaign_id !== undefined &&
      /^[A-Za-z0-9_.:-]{8,64}$/.test(event_id) &&
      !Number.isNaN(Date.parse(event_time));
    if (!isWhole) return "rejected";
    if (seen.has(event_id)) return "duplicate";
    seen.add(event_id);
    if (test === true) return "test";
    return /bot/i.test(user_agent) ? "bot_user_agent" : "valid";
  });
}

// A bug report names a seed; if the same seed gave other events, nobody could follow it.
it("makes the same events of the same seed, byte for byte", () => {
  fc.assert(
    fc.property(runs, (run) => {
      expect(generate(run)).toEqual(generate(run));
    }),
    { numRuns: 20 },
  );
});

// Without clicks before them no conversion is credited, and the demo's dashboard says that nobody buys.
it("lets most conversions follow a click of the same person in the same campaign", () => {
  const clicked = new Set<string>();
  const followed: boolean[] = [];
  for (const { event_type, expected, event } of generate({
    seed: "x",
    hours: 24,
    events: 20_000,
  })) {
    const { user_id, campaign_id } = JSON.parse(event);
    const visit = `${user_id}/${campaign_id}`;
    if (event_type === "click" && expected === "valid") clicked.add(visit);
    if (event_type === "conversion" && expected === "valid") followed.push(clicked.has(visit));
  }
  const share = followed.filter(Boolean).length / followed.length;
  expect(followed.length).toBeGreaterThan(200);
  expect(share).toBeGreaterThan(0.7);
});

// Tests compare the product's numbers with the ledger: a wrong claim in it would hide a wrong bill.
it("claims of every event what its bytes say", () => {
  fc.assert(
    fc.property(runs, (run) => {
      const ledger = generate(run);
      expect(ledger.map(({ expected }) => expected)).toEqual(judgeFromBytes(ledger));
    }),
    { numRuns: 50 },
  );
});

it("sends exactly as many as asked for, in order, with event times inside the range", () => {
  fc.assert(
    fc.property(runs, (run) => {
      const ledger = generate(run);
      const toMs = FROM_MS + run.hours * HOUR_MS;
      expect(ledger.map(({ seq }) => seq)).toEqual(ledger.map((_, index) => index));
      expect(ledger).toHaveLength(run.events);
      expect(ledger.every(({ event_time: t }) => t >= FROM_MS && t < toMs)).toBe(true);
    }),
    { numRuns: 50 },
  );
});

it("loses no event in adding up", () => {
  fc.assert(
    fc.property(runs, (run) => {
      const ledger = generate(run);
      const { sent, rejected, byCampaign } = expectedFromLedger(ledger);
      const counted = [...byCampaign.values()]
        .flatMap((days) => [...days.values()])
        .flatMap((counts) => Object.values(counts))
        .reduce((sum, count) => sum + count, 0);
      const uncounted = ledger.filter(
        ({ expected, event_type }) =>
          event_type !== "click" && expected !== "valid" && expected !== "rejected",
      );
      expect(counted + rejected + uncounted.length).toBe(sent);
    }),
    { numRuns: 50 },
  );
});

describe("of a long run", () => {
  const ledger = generate({ seed: "long", hours: 24, events: 40_000 });
  const share = (fits: (entry: LedgerEntry) => boolean) =>
    ledger.filter(fits).length / ledger.length;

  it("gives the hot campaign its share", () => {
    const hot = catalogue.campaigns[0]?.id;
    expect(share(({ campaign_id }) => campaign_id === hot)).toBeCloseTo(HOT_SHARE, 1);
  });

  it.each([
    ["duplicate", 0.03],
    ["bot_user_agent", 0.04],
    ["rejected", 0.005],
  ] as const)("has about so many of %s", (outcome, wanted) => {
    const found = share(({ expected }) => expected === outcome);
    expect(found).toBeGreaterThan(wanted * 0.7);
    expect(found).toBeLessThan(wanted * 1.3);
  });

  it("is busier in the evening than at night", () => {
    const inHour = (hour: number) =>
      share(({ event_time }) => new Date(event_time).getUTCHours() === hour);
    expect(inHour(20)).toBeGreaterThan(5 * inHour(3));
  });
});
