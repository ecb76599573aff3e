import type { Caller } from "./caller.ts";

/** Keys that a process remembers the callers of. */
const KEYS_MAX = 1_000;

/**
 * Whom keys stood for when they were looked up last, by their SHA-256: a guess at who asks, from which
 * work may begin, and nothing that an answer may leave by.
 */
export class KnownCallers {
  /** The one that was asked for last at the end. */
  readonly #callers = new Map<string, Caller>();

  get(keySha256: string): Caller | undefined {
    return this.#callers.get(keySha256);
  }

  keep(keySha256: string, caller: Caller): void {
    this.#callers.delete(keySha256);
    this.#callers.set(keySha256, caller);
    if (this.#callers.size <= KEYS_MAX) return;
    const [oldest] = this.#callers.keys();
    if (oldest !== undefined) this.#callers.delete(oldest);
  }
}

/** Whether two callers may see the same. */
export function isSameCaller(a: Caller, b: Caller): boolean {
  return a.role === b.role && scopeOf(a) === scopeOf(b);
}

const scopeOf = ({ tenant }: Caller): string =>
  JSON.stringify(tenant.kind === "all" ? null : tenant.ids);
