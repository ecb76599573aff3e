import type { LogRecord } from "@trueclick/event-log";
import { partitionOf } from "@trueclick/event-log/partition";
import type { StoredEvent } from "@trueclick/shared/event/stored";
import { DAY_MS, MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import { BASE_MS, blockOf, storedClick } from "../testing/fixtures.ts";
import type { SeededRandom } from "./seededRandom.ts";

export const PARTITIONS = 2;
export const ALLOWED_LATENESS_MS = 2 * MINUTE_MS;
const RECORDS_MAX = 14;
const EVENTS_A_RECORD_MAX = 4;
const USERS = 7;
const START_MINUTES_MAX = 12;
/** What the log's clock may do when another broker leads, or somebody sets it. */
const JUMPS_MS = [-4 * MINUTE_MS, -2 * MINUTE_MS, -MINUTE_MS, 3 * MINUTE_MS, 30 * MINUTE_MS];

/** How long before its append an event may be; far from all of them are in time. */
const AGOS_MS = [
  ...[0, 1, 10 * SECOND_MS, MINUTE_MS, 2 * MINUTE_MS, 3 * MINUTE_MS, 4 * MINUTE_MS],
  ...[-30 * SECOND_MS, 2 * DAY_MS, -2 * DAY_MS],
];
/** The same of those that mostly are; some are late by a hair, or by the clock of a log that jumps. */
const PROMPT_AGOS_MS = [0, 1, 10 * SECOND_MS, 40 * SECOND_MS, MINUTE_MS, 2 * MINUTE_MS];
/** Events that may be sent again in time. */
const RECENT = 5;

/** A record with what it says, for whoever must not depend on reading it. */
export interface SimulatedRecord extends LogRecord {
  readonly events: readonly StoredEvent[];
}

/** Partitions that a topic has that is given its last one while it is read. */
export const PARTITIONS_FIRST = PARTITIONS - 1;

/** Whether an id goes to another partition once there are more. */
export function isMoved(eventId: string): boolean {
  return partitionOf(eventId, PARTITIONS_FIRST) !== partitionOf(eventId, PARTITIONS);
}

/**
 * All records that will ever be appended, by partition: phones, retries, conflicts and clocks.
 *
 * @param isGrowing Whether the last partition comes later. Then ids lie where edges put them, some of
 *   which know of that partition and some of which do not: those that move there may be sent to both.
 */
export function simulatedTraffic(random: SeededRandom, isGrowing: boolean): SimulatedRecord[][] {
  const elsewhere: StoredEvent[] = [];
  const isJumping = random.happens(0.3);
  const wild = random.pick([1, 1, 0.15, 0.05]);
  return Array.from({ length: PARTITIONS }, (_none, partition) => {
    const isLate = isGrowing && partition >= PARTITIONS_FIRST;
    const sender = { partition, wild, sent: [], elsewhere: isLate ? elsewhere : null };
    const records: SimulatedRecord[] = [];
    // Before a whole hour or behind it, so that some of what happens is of another hour than the rest.
    let appendTimeMs = BASE_MS - random.below(START_MINUTES_MAX) * MINUTE_MS;
    let offset = -1n;
    for (let left = 1 + random.below(RECORDS_MAX); left > 0; left -= 1) {
      // Whole minutes, so that window ends meet the watermark to the millisecond; sometimes back.
      appendTimeMs += random.pick([0, 1, 20 * SECOND_MS, MINUTE_MS, MINUTE_MS, -5 * SECOND_MS]);
      if (isJumping && random.happens(0.2)) appendTimeMs += random.pick(JUMPS_MS);
      if (random.happens(0.3)) appendTimeMs = Math.ceil(appendTimeMs / MINUTE_MS) * MINUTE_MS;
      offset += random.pick([1n, 1n, 1n, 3n]);
      const events = Array.from({ length: 1 + random.below(EVENTS_A_RECORD_MAX) }, (_one, at) => {
        return sendOne(random, sender, at, appendTimeMs);
      });
      if (!isLate) elsewhere.push(...events.filter(({ event_id: id }) => isMoved(id)));
      records.push({ partition, offset, appendTimeMs, value: blockOf(events), events });
    }
    return records;
  });
}

/** Whoever sends to one partition. */
interface Sender {
  readonly partition: number;
  /** How often an event of any time is sent, and not one of a while ago. */
  readonly wild: number;
  readonly sent: StoredEvent[];
  /** Of a partition that comes later: what was sent to others whose ids go there now. */
  readonly elsewhere: readonly StoredEvent[] | null;
}

function sendOne(
  random: SeededRandom,
  { partition, wild, sent, elsewhere }: Sender,
  at: number,
  appendTimeMs: number,
): StoredEvent {
  const name = `evt-${partition}-${sent.length}-${at}`;
  // A user is of one partition, but for those whose events have moved.
  const user = `usr-${partition}-${sent.length % USERS}`;
  const known = random.happens(wild) ? sent : sent.slice(-RECENT);
  const agosMs = known === sent ? AGOS_MS : PROMPT_AGOS_MS;
  const own = { event_id: elsewhere === null ? name : movedId(name), user_id: user };
  const former = elsewhere !== null && random.happens(0.3) ? elsewhere : known;
  const event = nextEvent(random, { known: former, agosMs }, own, appendTimeMs);
  sent.push(event);
  return event;
}

/** An id of the last partition, by that name. */
function movedId(name: string): string {
  let serial = 0;
  while (!isMoved(`${name}-${serial}`)) serial += 1;
  return `${name}-${serial}`;
}

function nextEvent(
  random: SeededRandom,
  { known, agosMs }: { readonly known: readonly StoredEvent[]; readonly agosMs: readonly number[] },
  own: Pick<StoredEvent, "event_id" | "user_id">,
  nowMs: number,
): StoredEvent {
  if (known.length > 0 && random.happens(0.3)) return random.pick(known);
  if (known.length > 0 && random.happens(0.05)) return { ...random.pick(known), ad_id: "ad_3" };
  const agoMs = random.pick(agosMs);
  return storedClick({
    ...own,
    event_time: nowMs - agoMs,
    event_type: random.pick(["click", "click", "click", "impression"]),
    campaign_id: random.happens(0.1) ? "cmp_unknown" : "cmp_1",
    ad_id: random.pick(["ad_1", "ad_2"]),
    flags: random.happens(0.1) ? ["bot_user_agent"] : [],
  });
}
