import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ChdbResult } from "chdb";
import { LentSession } from "./lentSession.ts";
import type { QueryRequest } from "./request.ts";

/** Most that all queries together may take, in bytes. */
const SERVER_MEMORY_BYTES_MAX = 2_000_000_000;
/** Queries that may wait for a session; beyond that the server says it is busy. */
const WAITING_MAX = 512;

const CONFIG = `<clickhouse>
  <max_server_memory_usage>${SERVER_MEMORY_BYTES_MAX}</max_server_memory_usage>
  <mark_cache_size>67108864</mark_cache_size>
  <index_mark_cache_size>16777216</index_mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <mmap_cache_size>0</mmap_cache_size>
  <compiled_expression_cache_size>16777216</compiled_expression_cache_size>
</clickhouse>
`;

export class TooManyQueriesError extends Error {
  override readonly name = "TooManyQueriesError";
}

/**
 * Sessions of the in-process engine on one data folder. The engine runs the queries of one session
 * one after the other, so each is lent to one query at a time: a slow query holds up only its own.
 */
export class SessionPool {
  readonly #free: LentSession[] = [];
  readonly #all: readonly LentSession[];
  readonly #waiting: ((lent: LentSession) => void)[] = [];

  constructor(dataDir: string, sessionCount: number) {
    mkdirSync(dataDir, { recursive: true });
    const config = join(dataDir, "engine-config.xml");
    writeFileSync(config, CONFIG);
    this.#all = Array.from(
      { length: sessionCount },
      () => new LentSession(join(dataDir, "store"), config),
    );
    this.#free.push(...this.#all);
  }

  /**
   * Runs one query with its own database, settings and parameters.
   *
   * @throws {TooManyQueriesError} when too many wait already.
   * @throws whatever the engine says, as `Code: N. DB::Exception: …`.
   */
  async run(sql: string, request: QueryRequest): Promise<ChdbResult> {
    const lent = await this.#lend();
    try {
      return await lent.run(sql, request);
    } finally {
      this.#giveBack(lent);
    }
  }

  close(): void {
    for (const session of this.#all) session.close();
  }

  #lend(): Promise<LentSession> {
    const free = this.#free.pop();
    if (free !== undefined) return Promise.resolve(free);
    if (this.#waiting.length >= WAITING_MAX) {
      return Promise.reject(new TooManyQueriesError(`${WAITING_MAX} queries wait already`));
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #giveBack(lent: LentSession): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(lent);
    else next(lent);
  }
}
