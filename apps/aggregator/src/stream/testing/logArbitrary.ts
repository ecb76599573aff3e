import type { LogRecord } from "@trueclick/event-log";
import { type StoredEvent, storedEventSchema } from "@trueclick/shared/event/stored";
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import fc from "fast-check";
import type { CampaignSnapshot } from "../domain/campaigns.ts";
import { BASE_MS, blockOf, campaign, storedClick } from "./fixtures.ts";

/** One campaign from the start, with a rate entered later for the past; one created on the way. */
export const CHANGING_CAMPAIGNS: CampaignSnapshot = new Map([
  [
    "cmp_1",
    campaign({
      rates: [
        { effectiveFromMs: 0, cpcMicros: 100n, createdAtMs: 0 },
        {
          effectiveFromMs: BASE_MS + 2 * MINUTE_MS,
          cpcMicros: 7n,
          createdAtMs: BASE_MS + 5 * MINUTE_MS,
        },
      ],
    }),
  ],
  [
    "cmp_2",
    campaign({
      advertiserId: advertiserIdSchema.parse("adv_2"),
      createdAtMs: BASE_MS + 6 * MINUTE_MS,
    }),
  ],
]);

/** What phones do: click now, click in a lift and send later, run two days ahead or behind. */
const eventTime = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 0, max: 12 * MINUTE_MS }) },
  { weight: 1, arbitrary: fc.constantFrom(-2, 2).map((days) => days * 24 * 60 * MINUTE_MS) },
);

const sentEvent = fc.record({
  event_id: fc.nat({ max: 9 }).map((serial) => `evt-${String(serial).padStart(8, "0")}`),
  event_type: fc.constantFrom("click", "click", "click", "impression", "conversion"),
  event_time: eventTime.map((ms) => BASE_MS + ms),
  campaign_id: fc.constantFrom("cmp_1", "cmp_1", "cmp_2", "cmp_3"),
  ad_id: fc.constantFrom("ad_1", "ad_2"),
  geo: fc.constantFrom("DE", "NP"),
  flags: fc.constantFrom<StoredEvent["flags"]>([], [], [], ["bot_user_agent"], ["token_bad"]),
  test: fc.constantFrom(false, false, false, true),
});

const garbage = fc.constantFrom("{", "null", '{"event_id":"evt-00000001"}', "\ufffd\u0000");

/**
 * A partition of the log over some 12 minutes: events sent, many of them again, some under an id
 * that another event has, in blocks of a few, with gaps between offsets and an append clock that
 * now and then steps back.
 */
export const partitionLog: fc.Arbitrary<LogRecord[]> = fc
  .array(sentEvent, { minLength: 1, maxLength: 12 })
  .chain((sent) => {
    const events = sent.map((event) => storedEventSchema.parse(storedClick(event)));
    const line = fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom(...events) },
      { weight: 1, arbitrary: garbage },
    );
    const block = fc.record({
      lines: fc.array(line, { minLength: 1, maxLength: 6 }),
      stepMs: fc.integer({ min: -20, max: 90 }).map((seconds) => seconds * SECOND_MS),
      offsetStep: fc.constantFrom(1n, 1n, 1n, 3n),
    });
    return fc.array(block, { minLength: 1, maxLength: 14 });
  })
  .map((blocks) => {
    let offset = -1n;
    let appendTimeMs = BASE_MS;
    return blocks.map(({ lines, stepMs, offsetStep }) => {
      offset += offsetStep;
      appendTimeMs += stepMs;
      return { partition: 0, offset, appendTimeMs, value: blockOf(lines) };
    });
  });
