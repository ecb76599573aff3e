import { TokenKeyring } from "@trueclick/shared/token/click";
import type { TokenVerdict } from "../domain/clickTokens.ts";
import { withTimeout } from "./withTimeout.ts";

/** Secrets of click tokens by key id. */
export type TokenSecrets = ReadonlyMap<string, Uint8Array>;

export interface TokenKeySettings {
  /** Keys of this edge's own settings, good as long as it runs. */
  readonly fixed: TokenSecrets;
  /** Reads the keys that are on record now, without those that are retired. */
  readonly load: () => Promise<TokenSecrets>;
  readonly nowMs: () => number;
  /** How late an edge learns of a new key and of one that is retired, milliseconds. */
  readonly refreshMs: number;
  readonly loadTimeoutMs: number;
  /** While the record can't be read, keys of it are believed this long, milliseconds. */
  readonly staleMaxMs: number;
  /** Told of each failed try to read the record. */
  readonly onFault: (error: unknown) => void;
}

/**
 * Verifies click tokens by keys that change while it runs: a new one is learned, and a retired one
 * forgotten, within `refreshMs`. While nobody knows which keys there are, a token that none of the
 * known ones vouches for is not called bad: it may be good under one that is not known yet.
 */
export class RefreshedTokenKeys {
  readonly #settings: TokenKeySettings;
  #keyring: TokenKeyring;
  #known: TokenSecrets;
  #loadedAtMs: number | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(settings: TokenKeySettings) {
    this.#settings = settings;
    this.#known = settings.fixed;
    this.#keyring = new TokenKeyring(settings.fixed);
  }

  verify(token: string, nowMs: number): TokenVerdict {
    const check = this.#keyring.verify(token, nowMs);
    const isJudged = check.kind !== "bad" || (this.areKnown() && this.#known.size > 0);
    return isJudged ? check : { kind: "unjudged" };
  }

  /** Whether the record was read, not too long ago. */
  areKnown(): boolean {
    const ageMs = this.ageMs();
    return ageMs !== null && ageMs <= this.#settings.staleMaxMs;
  }

  /** Since the record was read, milliseconds; null if it never was. */
  ageMs(): number | null {
    return this.#loadedAtMs === null ? null : this.#settings.nowMs() - this.#loadedAtMs;
  }

  /** Reads the record once, and then again and again. Resolves after the first try. */
  async start(): Promise<void> {
    await this.refresh();
    const { refreshMs } = this.#settings;
    // Edges that were started together must not ask together for ever.
    const delayMs = refreshMs * (0.8 + 0.2 * Math.random());
    this.#timer = setTimeout(() => void this.start(), delayMs).unref();
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** Reads the record. Never throws: the keys that are known go on. */
  async refresh(): Promise<void> {
    const { fixed, load, loadTimeoutMs, onFault, nowMs } = this.#settings;
    try {
      const askedAtMs = nowMs();
      const recorded = await withTimeout(load(), loadTimeoutMs);
      this.#use(new Map([...recorded, ...fixed]));
      this.#loadedAtMs = askedAtMs;
    } catch (error) {
      onFault(error);
      if (!this.areKnown()) this.#use(fixed);
    }
  }

  /** A keyring remembers what it has seen, so it is made anew only when keys changed. */
  #use(secrets: TokenSecrets): void {
    if (isSame(secrets, this.#known)) return;
    this.#known = secrets;
    this.#keyring = new TokenKeyring(secrets);
  }
}

function isSame(left: TokenSecrets, right: TokenSecrets): boolean {
  if (left.size !== right.size) return false;
  return [...left].every(([id, secret]) =>
    Buffer.from(secret).equals(right.get(id) ?? Buffer.of()),
  );
}
