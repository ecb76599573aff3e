/** What the stream is writing to, as it was told last: good for a moment, while it is read anew. */
import { setTimeout as wait } from "node:timers/promises";
import { questionKey } from "./answerMemo.ts";

/** How old an answer may be that is given while the next one is read, milliseconds. */
export const LATEST_AGE_MS_MAX = 250;
/** How old it may be where the next one takes longer than whoever asks is to wait, milliseconds. */
export const LATE_AGE_MS_MAX = 1_000;
/** How long that is, milliseconds. */
export const PATIENCE_MS = 30;
/** Answers that are read for nobody in particular at the same time. */
const REFRESHES_MAX = 4;
/** Characters of all answers that a process keeps. */
const CHARACTERS_MAX = 4 * 1_048_576;

export interface ReadAt {
  /** All that was written by then is in it, epoch milliseconds. */
  readonly readAtMs: number;
}

/** An answer, and of when it is. */
export interface Dated extends ReadAt {
  readonly rowsJson: string;
}

interface Reading<Answer> {
  readonly readAtMs: number;
  readonly answer: Promise<Answer>;
}

/**
 * The last answer to each question, bounded; those go first that were read longest ago.
 *
 * A question holds whose rows may be seen and all that its answer depends on but what the stream has
 * written since. Whoever asks is told what was so at most `LATEST_AGE_MS_MAX` ago, and waits only where
 * nothing is known that is so young.
 */
export class LatestAnswers<Answer extends Dated> {
  readonly #known = new Map<string, Answer>();
  readonly #underWay = new Map<string, Reading<Answer>>();
  readonly #charactersMax: number;
  readonly #patience: () => Promise<unknown>;
  #characters = 0;

  /** @param patience Settles once whoever asks has waited for long enough. */
  constructor(
    charactersMax: number = CHARACTERS_MAX,
    patience: () => Promise<unknown> = () => wait(PATIENCE_MS),
  ) {
    this.#charactersMax = charactersMax;
    this.#patience = patience;
  }

  /**
   * @param question JSON but for bigints.
   * @param nowMs When it is asked. A clock that was set back makes answers of later ones too old.
   * @param read Reads what is so at `nowMs` or later, or tells what was so a moment ago, dated as that: by
   *   the same bounds.
   * @throws whatever `read` throws to those who wait for it; to nobody where nobody does.
   */
  async answer(
    question: readonly unknown[],
    nowMs: number,
    read: () => Promise<Answer>,
  ): Promise<Answer> {
    const key = questionKey(question);
    const underWay = this.#underWay.get(key);
    const known = this.#known.get(key);
    if (known !== undefined && isYoung(known, nowMs)) {
      // What fails is read by whoever asks once nothing young is known.
      if (underWay === undefined && this.#underWay.size < REFRESHES_MAX) {
        this.#read(key, nowMs, read).catch(() => {});
      }
      return known;
    }
    if (known === undefined || !isLateEnough(known, nowMs)) {
      const joined = underWay !== undefined && isYoung(underWay, nowMs) && (await underWay.answer);
      // What it tells may be of before it began, and too old for whoever came later.
      return joined && isYoung(joined, nowMs) ? joined : this.#read(key, nowMs, read);
    }
    // One reading at once, however long it takes and however often somebody asks.
    const isReading = underWay !== undefined && isLateEnough(underWay, nowMs);
    const reading = isReading ? underWay.answer : this.#read(key, nowMs, read);
    const late = async () => {
      await this.#patience();
      return this.#known.get(key) ?? known;
    };
    const newest = async () => {
      const answer = await reading;
      return answer.readAtMs < known.readAtMs ? known : answer;
    };
    return Promise.race([newest(), late()]);
  }

  /** Takes note of an answer that is known to be so. */
  keep(question: readonly unknown[], answer: Answer): void {
    this.#keep(questionKey(question), answer);
  }

  async #read(key: string, nowMs: number, read: () => Promise<Answer>): Promise<Answer> {
    const reading = { readAtMs: nowMs, answer: read() };
    this.#underWay.set(key, reading);
    try {
      const answer = await reading.answer;
      this.#keep(key, answer);
      return answer;
    } finally {
      if (this.#underWay.get(key) === reading) this.#underWay.delete(key);
    }
  }

  #keep(key: string, answer: Answer): void {
    const before = this.#known.get(key);
    // Two readings may end in another order than they began.
    if (before !== undefined && before.readAtMs > answer.readAtMs) return;
    this.#forget(key, before);
    this.#known.set(key, answer);
    this.#characters += answer.rowsJson.length;
    for (const [oldest, dropped] of this.#known) {
      if (this.#characters <= this.#charactersMax) return;
      this.#forget(oldest, dropped);
    }
  }

  #forget(key: string, answer: Answer | undefined): void {
    if (answer === undefined) return;
    this.#known.delete(key);
    this.#characters -= answer.rowsJson.length;
  }
}

/** Whether it may be told at once. */
export const isYoung = (at: ReadAt, nowMs: number) => isWithin(at, nowMs, LATEST_AGE_MS_MAX);
/** Whether it may be told once somebody has waited for long enough. */
export const isLateEnough = (at: ReadAt, nowMs: number) => isWithin(at, nowMs, LATE_AGE_MS_MAX);

function isWithin({ readAtMs }: ReadAt, nowMs: number, ageMsMax: number): boolean {
  return readAtMs <= nowMs && nowMs - readAtMs <= ageMsMax;
}
