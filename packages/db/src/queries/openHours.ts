/** Hours of everybody that no line tells yet, as they were read last: one reading for all who ask. */
import { setTimeout as wait } from "node:timers/promises";
import { isLateEnough, isYoung, PATIENCE_MS, type ReadAt } from "./latestAnswers.ts";

/**
 * How many must have asked of one state before everybody's hours are read: a reading takes what some three
 * questions take that are read by themselves (decision 157).
 */
export const ASKERS_MIN = 3;
/** For how long everybody's hours are not read after that was refused or failed, milliseconds. */
export const SPARED_MS = 60_000;

/** What has come to an hour so far, of a campaign or of all campaigns of an advertiser. */
export interface OpenLine {
  /** Start of the hour, epoch seconds. */
  readonly hour: number;
  readonly ofCampaign: boolean;
  /** Empty in the line of an advertiser. */
  readonly campaign: string;
  readonly clicks: number;
  readonly invalidClicks: number;
  /** -1: not known. */
  readonly givtClicks: number;
  readonly duplicateClicks: number;
  readonly impressions: number;
  readonly conversions: number;
  readonly costMicros: number;
  /** Null: not known. */
  readonly uniqueUsers: number | null;
  /** Start of the last minute that anything has come to, epoch seconds. */
  readonly lastMinute: number;
}

/** Lines by advertiser. Of all tenants: nothing but `openLinesOf` may tell any of it. */
export type OpenLines = ReadonlyMap<string, readonly OpenLine[]>;

/** In which state somebody asks, read before any row is. */
export interface OpenState {
  /** Hours from here on are open, epoch milliseconds. */
  readonly fromMs: number;
  /** Another text whenever the stream has written more; null while it may be writing. */
  readonly written: string | null;
  /** The stream's, epoch milliseconds; null before any event. */
  readonly watermarkMs: number | null;
}

interface ReadHours extends OpenState, ReadAt {
  readonly lines: OpenLines;
}

/** Open hours, and of when they are. */
export interface OpenHours extends ReadAt {
  readonly lines: OpenLines;
  readonly watermarkMs: number | null;
  /** Whether nothing was written since: they are so now. */
  readonly isNow: boolean;
}

interface Reading extends ReadAt, Pick<OpenState, "fromMs"> {
  /** Null where it was refused, or failed. */
  readonly hours: Promise<ReadHours | null>;
}

/**
 * The last reading of everybody's open hours, good for as long as the stream has written nothing since, and
 * for a moment after by the rules of `LatestAnswers`. Nothing is kept but that one.
 *
 * To read everybody's for a single person who asks again and again would take the engine more than to
 * read that one's; so it is done where as many ask, in one state of the stream or in the one before. Whoever
 * is told nothing reads what it needs by itself.
 */
export class OpenHoursKept {
  readonly #patience: () => Promise<unknown>;
  #known: ReadHours | null = null;
  #underWay: Reading | null = null;
  #sparedUntilMs = Number.NEGATIVE_INFINITY;
  #askers: { written: string | null; now: number; before: number } = {
    written: null,
    now: 0,
    before: 0,
  };

  /** @param patience Settles once whoever asks has waited for long enough. */
  constructor(patience: () => Promise<unknown> = () => wait(PATIENCE_MS)) {
    this.#patience = patience;
  }

  /**
   * @param nowMs When it is asked. A clock that was set back makes readings of later too old.
   * @param read Reads what is so at `nowMs` or later, and returns before it does. What it rejects with is a
   *   refusal, not an error.
   * @returns null where there is nothing young enough, and too few ask that it be read.
   */
  async hours(
    state: OpenState,
    nowMs: number,
    read: () => Promise<OpenLines>,
  ): Promise<OpenHours | null> {
    this.#countAsker(state);
    const known = this.#knownOf(state);
    if (known !== null && isSame(known, state)) return asNow(known, state, nowMs);
    const mayBegin = this.#underWay === null && this.#areEnough() && nowMs >= this.#sparedUntilMs;
    const own = mayBegin ? this.#begin(state, nowMs, read) : null;
    if (known !== null && isYoung(known, nowMs)) return asThen(known);
    const late = known !== null && isLateEnough(known, nowMs) ? known : null;
    const reading = own ?? this.#joined(state, nowMs, late !== null);
    if (reading === null) return null;
    const waited = async () => {
      await this.#patience();
      return this.#knownOf(state) ?? late;
    };
    const hours = await (late === null ? reading : Promise.race([reading, waited()]));
    if (hours === null) return null;
    // Whoever has begun it, did after it had read the state; the state of others may be a later one.
    const isNow = isSame(hours, state) || (own !== null && hours !== late);
    return isNow ? asNow(hours, state, nowMs) : asThen(hours);
  }

  /** Reads them whoever asks, unless that is under way or was refused. Never rejects. */
  async warm(state: OpenState, nowMs: number, read: () => Promise<OpenLines>): Promise<void> {
    if (this.#underWay !== null || nowMs < this.#sparedUntilMs) return;
    await this.#begin(state, nowMs, read);
  }

  #knownOf({ fromMs }: OpenState): ReadHours | null {
    return this.#known?.fromMs === fromMs ? this.#known : null;
  }

  /** What is being read, if it is of the same hours and not too old for whoever asks. */
  #joined({ fromMs }: OpenState, nowMs: number, mayBeLate: boolean) {
    const underWay = this.#underWay;
    if (underWay === null || underWay.fromMs !== fromMs) return null;
    const isGood = mayBeLate ? isLateEnough(underWay, nowMs) : isYoung(underWay, nowMs);
    return isGood ? underWay.hours : null;
  }

  /** One reading at a time, however long it takes. */
  #begin(
    state: OpenState,
    nowMs: number,
    read: () => Promise<OpenLines>,
  ): Promise<ReadHours | null> {
    const hours = this.#read(state, nowMs, read);
    this.#underWay = { fromMs: state.fromMs, readAtMs: nowMs, hours };
    return hours;
  }

  async #read(
    state: OpenState,
    nowMs: number,
    read: () => Promise<OpenLines>,
  ): Promise<ReadHours | null> {
    try {
      this.#known = { ...state, readAtMs: nowMs, lines: await read() };
      return this.#known;
    } catch {
      // Whoever asks reads by itself and is told what is wrong, if anything is.
      this.#sparedUntilMs = nowMs + SPARED_MS;
      return null;
    } finally {
      this.#underWay = null;
    }
  }

  #countAsker({ written }: OpenState): void {
    const { now } = this.#askers;
    if (written !== null && written !== this.#askers.written) {
      this.#askers = { written, now: 0, before: now };
    }
    this.#askers.now += 1;
  }

  #areEnough(): boolean {
    return Math.max(this.#askers.now, this.#askers.before) >= ASKERS_MIN;
  }
}

const isSame = (known: ReadHours, { written }: OpenState) =>
  written !== null && known.written === written;

const asThen = ({ lines, readAtMs, watermarkMs }: ReadHours): OpenHours => {
  return { lines, readAtMs, watermarkMs, isNow: false };
};

const asNow = ({ lines }: ReadHours, { watermarkMs }: OpenState, nowMs: number): OpenHours => {
  return { lines, readAtMs: nowMs, watermarkMs, isNow: true };
};
