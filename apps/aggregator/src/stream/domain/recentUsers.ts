import { HOUR_MS } from "@trueclick/shared/time";
import type { EventSpans } from "./eventSpans.ts";
import type { HourUsers } from "./hourUsers.ts";
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
/** Place of the campaign, hour since 1970, and the two words of the hash; 0, 0 is nobody. */
const ROW_WORDS = 4;
/** More than there are hours until the year 2089, so that one number is a campaign and an hour. */
const HOURS_MAX = 2 ** 20;

/** The clicks of one campaign in one hour. */
interface Group {
  readonly campaign: KnownCampaign;
  readonly hour: number;
  /** Clicks that name a user. */
  named: number;
  /** Their hashes, as far as they are filled in. */
  words: Int32Array<ArrayBuffer>;
  filled: number;
}

const NO_WORDS = new Int32Array(0);

/**
 * Users of the valid clicks since the last flush: a row of 16 bytes a click, in the order of the
 * log. It does not look for users that it has, since sets do that where they are kept.
 *
 * Its bound is that of a flush, which is due after so many bytes of the log; a click takes more of
 * those than of these.
 */
export class RecentUsers {
  readonly #hash = new IdHash(USER_HASH_KEY);
  #rows = new Int32Array(CLICKS_MIN * ROW_WORDS);
  #size = 0;
  /** The campaigns of the clicks, and their places by their integers. */
  #campaigns: KnownCampaign[] = [];
  #places = new Map<number, number>();

  /** Takes the user of a click, if it names one. */
  add(spans: EventSpans, campaign: KnownCampaign): void {
    const at = this.#size * ROW_WORDS;
    if (at === this.#rows.length) this.#grow();
    const rows = this.#rows;
    rows[at] = this.#placeOf(campaign);
    rows[at + 1] = Math.floor(spans.eventTimeMs / HOUR_MS);
    const start = spans.starts[USER_ID] ?? 0;
    const end = spans.ends[USER_ID] ?? 0;
    const isNamed = end > start;
    if (isNamed) this.#hash.hash(spans.view, start, end);
    rows[at + 2] = isNamed ? this.#hash.word0 : 0;
    rows[at + 3] = isNamed ? this.#hash.word1 : 0;
    this.#size += 1;
  }

  /** Hands over the users by campaign and hour, and lets go of them. */
  take(): HourUsers[] {
    if (this.#size === 0) return [];
    const taken = this.#byGroup();
    this.#rows = new Int32Array(CLICKS_MIN * ROW_WORDS);
    this.#size = 0;
    this.#campaigns = [];
    this.#places = new Map();
    return taken;
  }

  #placeOf(campaign: KnownCampaign): number {
    const known = this.#places.get(campaign.index);
    if (known !== undefined) return known;
    const place = this.#campaigns.length;
    this.#campaigns.push(campaign);
    this.#places.set(campaign.index, place);
    return place;
  }

  #byGroup(): HourUsers[] {
    const groups = new Map<number, Group>();
    this.#eachClick((key, isNamed) => {
      const group = groups.get(key) ?? this.#groupOf(key);
      groups.set(key, group);
      if (isNamed) group.named += 1;
    });
    for (const group of groups.values()) group.words = new Int32Array(2 * group.named);
    this.#eachClick((key, isNamed, word0, word1) => {
      const group = groups.get(key);
      if (group === undefined || !isNamed) return;
      group.words[group.filled] = word0;
      group.words[group.filled + 1] = word1;
      group.filled += 2;
    });
    return [...groups.values()].map(({ campaign, hour, words }) => ({
      advertiserId: campaign.advertiserId,
      campaignId: campaign.campaignId,
      hourStartMs: hour * HOUR_MS,
      userHashes: new Uint8Array(words.buffer),
    }));
  }

  #groupOf(key: number): Group {
    const campaign = this.#campaigns[Math.floor(key / HOURS_MAX)];
    if (campaign === undefined) throw new RangeError(`No campaign of ${key}`);
    return { campaign, hour: key % HOURS_MAX, named: 0, words: NO_WORDS, filled: 0 };
  }

  #eachClick(visit: (key: number, isNamed: boolean, word0: number, word1: number) => void): void {
    const rows = this.#rows;
    for (let at = 0; at < this.#size * ROW_WORDS; at += ROW_WORDS) {
      const [word0, word1] = [rows[at + 2] ?? 0, rows[at + 3] ?? 0];
      const key = (rows[at] ?? 0) * HOURS_MAX + (rows[at + 1] ?? 0);
      visit(key, (word0 | word1) !== 0, word0, word1);
    }
  }

  #grow(): void {
    const rows = new Int32Array(2 * this.#rows.length);
    rows.set(this.#rows);
    this.#rows = rows;
  }
}
