import { advertiserIdSchema } from "@trueclick/shared/ids";
import { HOUR_MS } from "@trueclick/shared/time";
import fc from "fast-check";
import { expect, it } from "vitest";
import { BASE_MS, blockOf, campaign, storedClick } from "../testing/fixtures.ts";
import { EventSpans } from "./eventSpans.ts";
import { type HourUsers, USER_HASH_BYTES } from "./hourUsers.ts";
import type { KnownCampaign } from "./knownCampaigns.ts";
import { RecentUsers } from "./recentUsers.ts";
import { parseStreamEvent } from "./streamEvent.ts";

function known(index: number): KnownCampaign {
  return {
    ...{ index, campaignId: `cmp_${index}`, advertiserId: advertiserIdSchema.parse("adv_1") },
    ...{ createdAtMs: 0, ratesCreatedByMs: 0, rateStartsMs: [], rateCosts: [] },
    campaign: campaign(),
  };
}

function spansOf(userId: string | undefined, hour: number): EventSpans {
  const click = storedClick({ user_id: userId, event_time: BASE_MS + hour * HOUR_MS });
  const event = parseStreamEvent(blockOf([click]));
  if (event === null) throw new Error("No event");
  const spans = new EventSpans();
  spans.load(event);
  return spans;
}

/** Hashes as text, in order, by campaign and hour. */
function shown(taken: readonly HourUsers[]): Map<string, string[]> {
  const entries = taken.map(({ campaignId, hourStartMs, userHashes }): [string, string[]] => {
    const bytes = Buffer.from(userHashes);
    const users = Array.from({ length: bytes.length / USER_HASH_BYTES }, (_none, at) => {
      return bytes.toString("hex", at * USER_HASH_BYTES, (at + 1) * USER_HASH_BYTES);
    });
    return [`${campaignId}/${(hourStartMs - BASE_MS) / HOUR_MS}`, users];
  });
  expect(new Set(entries.map(([key]) => key)).size).toBe(entries.length);
  return new Map(entries);
}

/** The hash of a user, from a flush that has no other. */
function hashOf(userId: string): string {
  const users = new RecentUsers();
  users.add(spansOf(userId, 0), known(0));
  return [...shown(users.take()).values()][0]?.[0] ?? "";
}

// A user in the set of another campaign, or of none, is a report that is wrong for ever.
it("hands over each click's user under its campaign and hour, once, in the order of the clicks", () => {
  const click = fc.record({
    campaign: fc.constantFrom(0, 1, 2, 300),
    hour: fc.nat({ max: 2 }),
    user: fc.option(
      fc.nat({ max: 5 }).map((serial) => `usr_${serial}`),
      { nil: undefined },
    ),
  });
  const flushes = fc.array(fc.array(click, { maxLength: 30 }), { maxLength: 4 });
  fc.assert(
    fc.property(flushes, (all) => {
      const users = new RecentUsers();
      for (const clicks of all) {
        const expected = new Map<string, string[]>();
        for (const { campaign: index, hour, user } of clicks) {
          users.add(spansOf(user, hour), known(index));
          const key = `cmp_${index}/${hour}`;
          const own = expected.get(key) ?? [];
          expected.set(key, user === undefined ? own : [...own, hashOf(user)]);
        }
        expect(shown(users.take())).toEqual(expected);
        expect(users.size).toBe(0);
      }
    }),
  );
});

it("keeps its room from flush to flush, and not that of a peak", () => {
  const users = new RecentUsers();
  const one = spansOf("usr_1", 0);
  const take = (clicks: number) => {
    for (let click = 0; click < clicks; click += 1) users.add(one, known(0));
    const [all] = users.take();
    expect(all?.userHashes.length).toBe(clicks * USER_HASH_BYTES);
    return users.byteLength;
  };
  const first = take(10);
  const peak = take(100_000);
  expect(peak).toBeGreaterThan(100_000 * USER_HASH_BYTES);
  expect(take(100_000)).toBe(peak);
  for (let flush = 0; flush < 10; flush += 1) take(10);
  expect(take(10)).toBeLessThanOrEqual(4 * first);
});
