import { type ChdbResult, Session } from "chdb";
import { type QueryRequest, quote } from "./request.ts";

/** What every query starts from, unless it says otherwise. */
const BASE_SETTINGS: ReadonlyMap<string, string> = new Map([
  // Bytes that one query may take.
  ["max_memory_usage", "1200000000"],
  // Seconds that one query may run.
  ["max_execution_time", "600"],
  ["log_queries", "0"],
]);

/**
 * One session of the engine. Its state outlives a query, so each query first brings database,
 * settings and parameters to what it asked for, and what the one before had set back to normal.
 */
export class LentSession {
  readonly #session: Session;
  readonly #settings = new Map<string, string>();
  #database = "default";
  #holdsRemains = false;

  constructor(storeDir: string, configFile: string) {
    const settings = [...BASE_SETTINGS].map(([name, value]) => `--${name}=${value}`);
    this.#session = new Session(storeDir, {
      connectionArgs: [`--config-file=${configFile}`, ...settings],
    });
  }

  async run(sql: string, request: QueryRequest): Promise<ChdbResult> {
    await this.#clearRemains();
    await this.#use(request.database);
    await this.#applySettings(request.settings);
    for (const [name, value] of request.params) {
      await this.#session.queryAsync(`SET param_${name} = ${quote(value)}`);
    }
    try {
      return await this.#session.queryAsync(sql, { format: request.defaultFormat });
    } catch (error) {
      this.#holdsRemains = true;
      throw error;
    }
  }

  close(): void {
    this.#session.close();
  }

  /**
   * A query that fails after its first byte of output leaves that output in the engine's buffer, in
   * front of the next answer. A query of no output takes it along, and nobody reads it.
   */
  async #clearRemains(): Promise<void> {
    if (!this.#holdsRemains) return;
    await this.#session.queryAsync("SELECT 1 FORMAT Null");
    this.#holdsRemains = false;
  }

  async #use(database: string): Promise<void> {
    if (database === this.#database) return;
    // Unknown until it has worked: a failed USE leaves the session where it was.
    await this.#session.queryAsync(`USE \`${database.replaceAll("`", "\\`")}\``);
    this.#database = database;
  }

  async #applySettings(wanted: ReadonlyMap<string, string>): Promise<void> {
    for (const name of [...this.#settings.keys()]) {
      if (wanted.has(name)) continue;
      const base = BASE_SETTINGS.get(name);
      await this.#session.queryAsync(
        `SET ${name} = ${base === undefined ? "DEFAULT" : quote(base)}`,
      );
      this.#settings.delete(name);
    }
    for (const [name, value] of wanted) {
      if (this.#settings.get(name) === value) continue;
      await this.#session.queryAsync(`SET ${name} = ${quote(value)}`);
      this.#settings.set(name, value);
    }
  }
}
