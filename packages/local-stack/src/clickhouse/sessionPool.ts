import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { ChdbResult, Session } from "chdb";
import { RefusedError } from "./exceptions.ts";
import { LentSession, openSession, runsUnder } from "./lentSession.ts";
import { NamedSessions } from "./namedSessions.ts";
import { isRead } from "./queryText.ts";
import type { QueryRequest } from "./request.ts";

/** Most that all queries together may take, in bytes. */
const SERVER_MEMORY_BYTES_MAX = 2_000_000_000;
/** Queries that may wait for a session; beyond that the server says it is busy. */
const WAITING_MAX = 512;
const END_AGAIN_MS = 50;

const configOf = (more: string) => `<clickhouse>
  <max_server_memory_usage>${SERVER_MEMORY_BYTES_MAX}</max_server_memory_usage>
  <mark_cache_size>67108864</mark_cache_size>
  <index_mark_cache_size>16777216</index_mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <mmap_cache_size>0</mmap_cache_size>
  <compiled_expression_cache_size>16777216</compiled_expression_cache_size>
  ${more}
</clickhouse>
`;

/**
 * Sessions of the in-process engine on one data folder. The engine runs the queries of one session
 * one after the other, so each is lent to one query at a time: a slow query holds up only its own.
 */
export class SessionPool {
  readonly #free: LentSession[];
  readonly #all: readonly LentSession[];
  /** Ends what runs on the others, so never lent itself. */
  readonly #control: Session;
  readonly #named: NamedSessions;
  readonly #waiting: ((lent: LentSession) => void)[] = [];

  /** @param moreConfig XML elements beside those that every engine here is configured by. */
  constructor(dataDir: string, sessionCount: number, moreConfig = "") {
    mkdirSync(dataDir, { recursive: true });
    const configFile = join(dataDir, "engine-config.xml");
    writeFileSync(configFile, configOf(moreConfig));
    const shared = { storeDir: join(dataDir, "store"), configFile };
    const open = (label: string, keepsState: boolean) =>
      new LentSession({ ...shared, label, keepsState });
    this.#control = openSession({ ...shared, label: "control" });
    this.#all = Array.from({ length: sessionCount }, (_, index) => open(`lent-${index}`, false));
    this.#free = [...this.#all];
    this.#named = new NamedSessions((label) => open(label, true));
  }

  /**
   * Runs one query with its own database, settings and parameters. When `signal` aborts, a read is
   * ended early and a write goes on: nobody shall have to guess which half of it was done.
   *
   * @throws {RefusedError} when too many wait already, or its named session has another query.
   * @throws whatever the engine says, as `Code: N. DB::Exception: …`.
   */
  async run(sql: string, request: QueryRequest, signal: AbortSignal): Promise<ChdbResult> {
    // A query of a named session counts as one of the pool's, whose session rests meanwhile.
    const lent = await this.#lend();
    try {
      signal.throwIfAborted();
      const { session } = request;
      if (session === null) return await this.#runOn(lent, sql, request, signal);
      return await this.#named.use(session, (own) => this.#runOn(own, sql, request, signal));
    } finally {
      this.#giveBack(lent);
    }
  }

  close(): void {
    this.#named.close();
    for (const session of [...this.#all, this.#control]) session.close();
  }

  async #runOn(
    lent: LentSession,
    sql: string,
    request: QueryRequest,
    signal: AbortSignal,
  ): Promise<ChdbResult> {
    if (!isRead(sql)) return lent.run(sql, request);
    const run = lent.run(sql, request);
    let hasEnded = false;
    const ended = run.then(
      () => {
        hasEnded = true;
      },
      () => {
        hasEnded = true;
      },
    );
    // Again and again until it has hit, for a query may be only about to start.
    const end = async () => {
      while (!hasEnded) {
        // One that fails is tried again as well: nobody else will end this read.
        await this.#end(lent.label).catch(() => {});
        await Promise.race([ended, wait(END_AGAIN_MS)]);
      }
    };
    // Waited for below: a late one would end the next query of this session.
    let ending: Promise<void> | undefined;
    const onAbort = () => {
      ending = end();
    };
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await run;
    } finally {
      signal.removeEventListener("abort", onAbort);
      await ending?.catch(() => {});
    }
  }

  async #end(label: string): Promise<void> {
    await this.#control.queryAsync(`KILL QUERY WHERE ${runsUnder(label)} ASYNC FORMAT Null`);
  }

  async #lend(): Promise<LentSession> {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#waiting.length >= WAITING_MAX) {
      const message = `${WAITING_MAX} queries wait already`;
      throw new RefusedError("TOO_MANY_SIMULTANEOUS_QUERIES", message);
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #giveBack(lent: LentSession): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(lent);
    else next(lent);
  }
}
