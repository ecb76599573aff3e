import { RefusedError } from "./exceptions.ts";
import type { LentSession } from "./lentSession.ts";

/** Sessions that clients may hold open by `session_id` at a time. */
const SESSIONS_MAX = 32;
/** How long one outlives its last query; ClickHouse's own default. */
const IDLE_MS = 60_000;

interface NamedSession {
  readonly session: LentSession;
  isBusy: boolean;
  expiry: NodeJS.Timeout | undefined;
}

/** Sessions that clients name, for temporary tables and the like; one query at a time each. */
export class NamedSessions {
  readonly #open: (label: string) => LentSession;
  readonly #sessions = new Map<string, NamedSession>();
  #opened = 0;

  constructor(open: (label: string) => LentSession) {
    this.#open = open;
  }

  /** @throws {RefusedError} when the session has another query, or too many are open. */
  async use<T>(id: string, work: (session: LentSession) => Promise<T>): Promise<T> {
    const named = this.#sessions.get(id) ?? this.#create(id);
    if (named.isBusy) throw new RefusedError("SESSION_IS_LOCKED", `session ${id} has a query`);
    named.isBusy = true;
    clearTimeout(named.expiry);
    try {
      return await work(named.session);
    } finally {
      named.isBusy = false;
      named.expiry = setTimeout(() => this.#drop(id), IDLE_MS).unref();
    }
  }

  close(): void {
    for (const id of [...this.#sessions.keys()]) this.#drop(id);
  }

  #create(id: string): NamedSession {
    if (this.#sessions.size >= SESSIONS_MAX) {
      const message = `${SESSIONS_MAX} sessions are open already`;
      throw new RefusedError("TOO_MANY_SIMULTANEOUS_QUERIES", message);
    }
    const session = this.#open(`named-${this.#opened}`);
    this.#opened += 1;
    const named = { session, isBusy: false, expiry: undefined };
    this.#sessions.set(id, named);
    return named;
  }

  #drop(id: string): void {
    const named = this.#sessions.get(id);
    this.#sessions.delete(id);
    clearTimeout(named?.expiry);
    named?.session.close();
  }
}
