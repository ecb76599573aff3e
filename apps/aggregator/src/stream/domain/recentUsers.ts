import { HOUR_MS } from "@trueclick/shared/time";
import type { EventSpans } from "./eventSpans.ts";
import { type HourUsers, USER_HASH_BYTES } from "./hourUsers.ts";
import type { KnownCampaign } from "./knownCampaigns.ts";
import { IdHash } from "./spanHash.ts";
import { fieldAt } from "./storedFields.ts";

const USER_ID = fieldAt("user_id");

/**
 * The same in every process, for ever: hashes of one user from two processes, or two releases, meet
 * in one set. It is no secret, and need not be: who wants more users can make some up.
 */
const USER_HASH_KEY = Int32Array.of(0x54727565, 0x436c6963, 0x6b557365, 0x72733031);

const CLICKS_MIN = 1_024;
/** Group of the click, and the two words of the hash. */
const ROW_WORDS = 3;
const HASH_WORDS = 2;
/** Rows are halved that have room for so many times as many as were taken. */
const SPARE = 4;
const CAMPAIGNS_MIN = 256;
/** More than there are hours until the year 2089, so that one number is a campaign and an hour. */
const HOURS_MAX = 2 ** 20;

/** The clicks of one campaign in one hour. */
interface Group {
  readonly campaign: KnownCampaign;
  readonly hour: number;
}

/**
 * Users of the valid clicks since the last flush: a row of 12 bytes a click that names one, in the
 * order of the log. It does not look for users that it has, since sets do that where they are kept.
 *
 * Its bound is the reader's: see `recentUsersMax`.
 */
export class RecentUsers {
  readonly #hash = new IdHash(USER_HASH_KEY);
  #rows = new Int32Array(CLICKS_MIN * ROW_WORDS);
  #size = 0;
  #groups: Group[] = [];
  #places = new Map<number, number>();
  /** The group of a campaign's last click + 1, by the campaign's integer; its next is of the same. */
  #latest = new Int32Array(CAMPAIGNS_MIN);

  /** Users held. */
  get size(): number {
    return this.#size;
  }

  get byteLength(): number {
    return this.#rows.byteLength + this.#latest.byteLength;
  }

  /** Takes the user of a click, if it names one. */
  add(spans: EventSpans, campaign: KnownCampaign): void {
    const hour = Math.floor(spans.eventTimeMs / HOUR_MS);
    const latest = (this.#latest[campaign.index] ?? 0) - 1;
    const isSame = latest >= 0 && this.#groups[latest]?.hour === hour;
    const place = isSame ? latest : this.#placeOf(campaign, hour);
    const start = spans.starts[USER_ID] ?? 0;
    const end = spans.ends[USER_ID] ?? 0;
    if (end === start) return;
    const at = this.#size * ROW_WORDS;
    if (at === this.#rows.length) this.#grow();
    this.#hash.hash(spans.view, start, end);
    const rows = this.#rows;
    rows[at] = place;
    rows[at + 1] = this.#hash.word0;
    rows[at + 2] = this.#hash.word1;
    this.#size += 1;
  }

  /** Hands over the users by campaign and hour, and lets go of them. */
  take(): HourUsers[] {
    if (this.#groups.length === 0) return [];
    const starts = this.#startsOfGroups();
    const { buffer } = this.#sorted(starts.slice());
    const taken = this.#groups.map(({ campaign, hour }, place) => {
      const from = starts[place] ?? 0;
      const users = (starts[place + 1] ?? this.#size) - from;
      const [at, bytes] = [from * USER_HASH_BYTES, users * USER_HASH_BYTES];
      const { advertiserId, campaignId } = campaign;
      const userHashes = new Uint8Array(buffer, at, bytes);
      return { advertiserId, campaignId, hourStartMs: hour * HOUR_MS, userHashes };
    });
    for (const { campaign } of this.#groups) this.#latest[campaign.index] = 0;
    // Kept for the next flush, which will have about as many, but not for ever what a peak has left.
    const isRoomy = this.#rows.length > SPARE * Math.max(this.#size, CLICKS_MIN) * ROW_WORDS;
    if (isRoomy) this.#rows = new Int32Array(this.#rows.length / 2);
    this.#size = 0;
    this.#groups = [];
    this.#places = new Map();
    return taken;
  }

  #placeOf(campaign: KnownCampaign, hour: number): number {
    const key = campaign.index * HOURS_MAX + hour;
    const place = this.#places.get(key) ?? this.#groups.length;
    if (place === this.#groups.length) {
      this.#groups.push({ campaign, hour });
      this.#places.set(key, place);
    }
    if (campaign.index >= this.#latest.length) {
      const latest = new Int32Array(2 * (campaign.index + 1));
      latest.set(this.#latest);
      this.#latest = latest;
    }
    this.#latest[campaign.index] = place + 1;
    return place;
  }

  /** Where the users of each group begin, if they lie group by group. */
  #startsOfGroups(): Int32Array {
    const rows = this.#rows;
    const end = this.#size * ROW_WORDS;
    const starts = new Int32Array(this.#groups.length);
    for (let at = 0; at < end; at += ROW_WORDS) {
      const place = rows[at] ?? 0;
      starts[place] = (starts[place] ?? 0) + 1;
    }
    let before = 0;
    for (let place = 0; place < starts.length; place += 1) {
      const users = starts[place] ?? 0;
      starts[place] = before;
      before += users;
    }
    return starts;
  }

  /**
   * The hashes group by group, all in one buffer: one for each of some thousand groups would be as many
   * pieces of memory outside of V8's heap.
   *
   * @param nexts Where groups begin; where they end, afterwards.
   */
  #sorted(nexts: Int32Array): Int32Array<ArrayBuffer> {
    const rows = this.#rows;
    const end = this.#size * ROW_WORDS;
    const words = new Int32Array(this.#size * HASH_WORDS);
    for (let at = 0; at < end; at += ROW_WORDS) {
      const place = rows[at] ?? 0;
      const to = nexts[place] ?? 0;
      words[to * HASH_WORDS] = rows[at + 1] ?? 0;
      words[to * HASH_WORDS + 1] = rows[at + 2] ?? 0;
      nexts[place] = to + 1;
    }
    return words;
  }

  #grow(): void {
    const rows = new Int32Array(2 * this.#rows.length);
    rows.set(this.#rows);
    this.#rows = rows;
  }
}
