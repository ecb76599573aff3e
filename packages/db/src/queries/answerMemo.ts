/** Answers that are a function of what was asked, kept so that the same question is not read twice. */
import { createHash } from "node:crypto";

/** Characters of all answers that a process keeps; one takes a byte, two in scripts other than Latin. */
export const MEMO_CHARACTERS_MAX = 32 * 1_048_576;
/** The same of those that are good until the stream has written more. */
export const RECENT_CHARACTERS_MAX = 4 * 1_048_576;
/** The largest answer that is kept, as a share of them: one shall not push out all others. */
const ANSWER_SHARE_MAX = 1 / 8;

/**
 * A bounded memory of answers; those go first that were not asked for longest.
 *
 * Nothing is ever taken back, so a question must hold all that its answer depends on: the statement, each
 * of its parameters, whose rows may be seen, and the versions of what is read. Two callers share an
 * answer only if they ask the very same of the store, which would answer both alike.
 *
 * Answers are kept as text: each caller parses its own, and none can change another's.
 */
export class AnswerMemo {
  readonly #charactersMax: number;
  /** By the hash of the question, the one that was asked for last at the end. */
  readonly #known = new Map<string, string>();
  readonly #underWay = new Map<string, Promise<string>>();
  #characters = 0;

  constructor(charactersMax: number = MEMO_CHARACTERS_MAX) {
    this.#charactersMax = charactersMax;
  }

  /**
   * The answer to a question, read unless it is known or somebody reads it already.
   *
   * @param question JSON but for bigints.
   * @throws whatever `read` throws; that is not remembered.
   */
  async answer(question: readonly unknown[], read: () => Promise<string>): Promise<string> {
    const key = questionKey(question);
    const known = this.#knownBy(key);
    if (known !== undefined) return known;
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) return underWay;
    const reading = read();
    this.#underWay.set(key, reading);
    try {
      const answer = await reading;
      this.#keep(key, answer);
      return answer;
    } finally {
      this.#underWay.delete(key);
    }
  }

  /** The answer to a question, if it is known. */
  known(question: readonly unknown[]): string | undefined {
    return this.#knownBy(questionKey(question));
  }

  /** Remembers the answer to a question, as far as there is room. */
  keep(question: readonly unknown[], answer: string): void {
    this.#keep(questionKey(question), answer);
  }

  #knownBy(key: string): string | undefined {
    const known = this.#known.get(key);
    if (known === undefined) return undefined;
    this.#known.delete(key);
    this.#known.set(key, known);
    return known;
  }

  #keep(key: string, answer: string): void {
    if (this.#known.has(key) || answer.length > this.#charactersMax * ANSWER_SHARE_MAX) return;
    this.#known.set(key, answer);
    this.#characters += key.length + answer.length;
    for (const [oldest, dropped] of this.#known) {
      if (this.#characters <= this.#charactersMax) return;
      this.#known.delete(oldest);
      this.#characters -= oldest.length + dropped.length;
    }
  }
}

/** A question names thousands of builds; its hash is as good, and short. */
export function questionKey(question: readonly unknown[]): string {
  const text = JSON.stringify(question, (_name, value: unknown) =>
    typeof value === "bigint" ? { bigint: value.toString() } : value,
  );
  return createHash("sha256").update(text).digest("base64");
}
