import { advertiserIdSchema } from "@trueclick/shared/ids";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OpenLine } from "../queries/openHours.ts";
import type { TenantScope } from "../tenant.ts";
import { type OpenLinesAsked, openLinesOf } from "./openHourRows.ts";

const FIRST_MS = Date.parse("2026-06-15T12:00:00Z");
const ADVERTISERS = ["acme", "other", "third", "__proto__"];
const CAMPAIGNS = ["c1", "c2", "shared", ""];
const HOURS = [0, 1, 2];

const count = fc.integer({ min: 0, max: 9 });
const lineOf = (givt: fc.Arbitrary<number>): fc.Arbitrary<OpenLine> =>
  fc
    .record({
      hour: fc.constantFrom(...HOURS).map((hour) => FIRST_MS / SECOND_MS + hour * 3_600),
      ofCampaign: fc.boolean(),
      campaign: fc.constantFrom(...CAMPAIGNS),
      ...{ clicks: count, invalidClicks: count, givtClicks: givt, duplicateClicks: count },
      ...{ impressions: count, conversions: count, costMicros: count },
      uniqueUsers: fc.option(count),
      minute: fc.integer({ min: 0, max: 59 }),
    })
    .map(({ minute, ...line }) => ({
      ...line,
      campaign: line.ofCampaign ? line.campaign : "",
      lastMinute: line.hour + minute * 60,
    }));
const linesOf = (givt: fc.Arbitrary<number>) =>
  fc
    .tuple(...ADVERTISERS.map(() => fc.array(lineOf(givt), { maxLength: 8 })))
    .map((lists) => new Map(lists.map((list, at) => [ADVERTISERS[at] ?? "", list])));

const scopes: fc.Arbitrary<TenantScope> = fc.oneof(
  fc.constant({ kind: "all" } as const),
  fc.array(fc.constantFrom(...ADVERTISERS, "nobody")).map((ids) => ({
    kind: "advertisers" as const,
    ids: ids.map((id) => advertiserIdSchema.parse(id)),
  })),
);
const CURRENCIES = { currency: "EUR", foreign: ["third"], foreign_currencies: ["USD"] };
const questions: fc.Arbitrary<OpenLinesAsked> = fc.record({
  fromMs: fc.constantFrom(0, 1).map((hour) => FIRST_MS + hour * HOUR_MS),
  toMs: fc.constantFrom(1, 2, 3).map((hour) => FIRST_MS + hour * HOUR_MS),
  byAdvertiser: fc.boolean(),
  byCampaign: fc.boolean(),
  campaigns: fc.option(fc.subarray(CAMPAIGNS)),
  currencies: fc.constant(CURRENCIES),
});
const known = linesOf(count);

describe("what is told of everybody's lines", () => {
  it("is what lines of the scope alone tell, whatever there is of others", () => {
    fc.assert(
      fc.property(known, scopes, questions, (lines, scope, asked) => {
        const own = new Map(
          [...lines].filter(([id]) => scope.kind === "all" || scope.ids.some((one) => one === id)),
        );
        const told = openLinesOf(lines, scope, asked);
        expect(new Set(told)).toEqual(new Set(openLinesOf(own, { kind: "all" }, asked)));
        const named = told?.map(({ advertiser }) => advertiser) ?? [];
        if (asked.byAdvertiser) expect([...own.keys()]).toEqual(expect.arrayContaining(named));
      }),
    );
  });

  it("adds up to the lines that were asked for, and has users where they are one", () => {
    fc.assert(
      fc.property(known, scopes, questions, (lines, scope, asked) => {
        const ids = scope.kind === "all" ? ADVERTISERS : [...new Set<string>(scope.ids)];
        const chosen = ids.flatMap((id) => {
          const ofHours = (lines.get(id) ?? []).filter(
            ({ hour }) => hour * SECOND_MS >= asked.fromMs && hour * SECOND_MS < asked.toMs,
          );
          const { campaigns } = asked;
          return ofHours.filter(({ ofCampaign, campaign }) =>
            campaigns === null
              ? ofCampaign === asked.byCampaign
              : ofCampaign && campaigns.includes(campaign),
          );
        });
        const told = openLinesOf(lines, scope, asked) ?? [];
        for (const of of ["clicks", "invalidClicks", "givtClicks", "costMicros"] as const) {
          const sum = (rows: readonly Record<typeof of, number>[]) =>
            rows.reduce((total, row) => total + row[of], 0);
          expect(sum(told)).toBe(sum(chosen));
        }
        const hours = told.map(({ bucket, advertiser, campaign, currency }) =>
          [bucket, advertiser, campaign, currency].join("/"),
        );
        expect(new Set(hours).size).toBe(told.length);
        if (told.length === chosen.length) {
          const usersOf = (rows: readonly Pick<OpenLine, "uniqueUsers">[]) =>
            rows.map(({ uniqueUsers }) => uniqueUsers);
          expect(usersOf(told)).toEqual(usersOf(chosen));
        } else expect(told.some(({ uniqueUsers }) => uniqueUsers === null)).toBe(true);
      }),
    );
  });

  it("is nothing where the range ends before a minute that has come to something", () => {
    const lines = new Map([["acme", [LINE]]]);
    const told = (toMs: number, id = "acme") =>
      openLinesOf(lines, scopeOf(id), { ...ASKED, toMs })?.length ?? null;
    expect(told(FIRST_MS + HOUR_MS)).toBe(1);
    expect(told(LINE.lastMinute * SECOND_MS + 1)).toBe(1);
    expect(told(LINE.lastMinute * SECOND_MS)).toBeNull();
    expect(told(LINE.lastMinute * SECOND_MS, "other")).toBe(0);
  });

  it("is nothing where it is not known which invalid clicks are robots'", () => {
    const lines = new Map([["acme", [LINE, { ...LINE, hour: LINE.hour + 3_600, givtClicks: -1 }]]]);
    expect(openLinesOf(lines, scopeOf("acme"), ASKED)).toHaveLength(1);
    const longer = { ...ASKED, toMs: FIRST_MS + 2 * HOUR_MS };
    expect(openLinesOf(lines, scopeOf("acme"), longer)).toBeNull();
    expect(openLinesOf(lines, scopeOf("other"), longer)).toEqual([]);
  });
});

const scopeOf = (id: string): TenantScope => {
  return { kind: "advertisers", ids: [advertiserIdSchema.parse(id)] };
};
const LINE: OpenLine = {
  hour: FIRST_MS / SECOND_MS,
  ...{ ofCampaign: false, campaign: "", clicks: 5, invalidClicks: 2, givtClicks: 1 },
  ...{ duplicateClicks: 0, impressions: 0, conversions: 0, costMicros: 5, uniqueUsers: 3 },
  lastMinute: FIRST_MS / SECOND_MS + 29 * 60,
};
const ASKED: OpenLinesAsked = {
  ...{ fromMs: FIRST_MS, toMs: FIRST_MS + HOUR_MS, byAdvertiser: false, byCampaign: false },
  ...{ campaigns: null, currencies: CURRENCIES },
};
