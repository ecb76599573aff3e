import { type ChdbResult, Session } from "chdb";
import { parameterNames, setsSessionState } from "./queryText.ts";
import { type QueryRequest, quote } from "./request.ts";

/** What every query starts from, unless it says otherwise. */
const BASE_SETTINGS: ReadonlyMap<string, string> = new Map([
  // Bytes that one query may take.
  ["max_memory_usage", "1200000000"],
  // Bytes of one answer as columns: it is held whole, and as text it is some times that.
  ["max_result_bytes", "128000000"],
  // Seconds that one query may run.
  ["max_execution_time", "600"],
]);
/** The setting that tells what runs for whom. */
const COMMENT = "log_comment";
const LABEL_END = ": ";
/** Parameters that a session may keep from earlier queries before it is made anew. */
const KEPT_PARAMETERS_MAX = 256;

export interface LentSessionOptions {
  readonly storeDir: string;
  readonly configFile: string;
  /** By which another session finds, and ends, what runs on this one. */
  readonly label: string;
  /** Keep what SET, USE and CREATE TEMPORARY TABLE leave behind, as a client's own session does. */
  readonly keepsState: boolean;
}

/**
 * One session of the engine. Its state outlives a query, so each query first brings database,
 * settings and parameters to what it asked for, and what the one before had set back to normal.
 * Making a session costs the engine 1 ms, but closing one waits for all queries that run anywhere,
 * so one is not made for each query.
 */
export class LentSession {
  readonly label: string;
  readonly #options: LentSessionOptions;
  #session: Session;
  #settings: ReadonlyMap<string, string> = new Map();
  #params = new Map<string, string>();
  #database = "default";

  constructor(options: LentSessionOptions) {
    this.label = options.label;
    this.#options = options;
    this.#session = openSession(options);
  }

  /** Runs one query. @throws whatever the engine says, as `Code: N. DB::Exception: …`. */
  async run(sql: string, request: QueryRequest): Promise<ChdbResult> {
    if (this.#wouldSeeForeignParams(sql, request.params)) this.#renew();
    try {
      await this.#use(request.database);
      await this.#apply(request);
      return await this.#session.queryAsync(sql, { format: request.defaultFormat });
    } catch (error) {
      await this.#clearRemains();
      throw error;
    } finally {
      if (!this.#options.keepsState && setsSessionState(sql)) this.#renew();
    }
  }

  close(): void {
    this.#session.close();
  }

  /** The engine cannot forget a parameter, and a query must not find one that it was not given. */
  #wouldSeeForeignParams(sql: string, given: QueryRequest["params"]): boolean {
    if (this.#params.size > KEPT_PARAMETERS_MAX) return true;
    if (this.#params.size === 0) return false;
    return parameterNames(sql).some((name) => this.#params.has(name) && !given.has(name));
  }

  #renew(): void {
    this.#session.close();
    this.#session = openSession(this.#options);
    this.#settings = new Map();
    this.#params = new Map();
    this.#database = "default";
  }

  /**
   * A query that fails stays listed as running, and what it had put out stays in the engine's buffer,
   * in front of the next answer. A query of no output takes both along.
   */
  async #clearRemains(): Promise<void> {
    await this.#session.queryAsync("SELECT 1 FORMAT Null").catch(() => this.#renew());
  }

  async #use(database: string): Promise<void> {
    if (database === this.#database) return;
    await this.#session.queryAsync(`USE \`${database.replace(/[\\`]/g, "\\$&")}\``);
    this.#database = database;
  }

  /** One statement, which the engine takes as a whole or refuses as a whole. */
  async #apply({ settings: asked, params }: QueryRequest): Promise<void> {
    const settings = this.#labelled(asked);
    const differing = (wanted: QueryRequest["params"], current: QueryRequest["params"]) =>
      [...wanted].filter(([name, value]) => current.get(name) !== value);
    const unwanted = [...this.#settings.keys()].filter((name) => !settings.has(name));
    const assignments = [
      ...unwanted.map((name) => `${name} = ${this.#normalValue(name)}`),
      ...differing(settings, this.#settings).map(([name, value]) => `${name} = ${quote(value)}`),
      ...differing(params, this.#params).map(([name, value]) => `param_${name} = ${quote(value)}`),
    ];
    if (assignments.length > 0) {
      await this.#session.queryAsync(`SET ${assignments.join(", ")}`);
    }
    this.#settings = settings;
    for (const [name, value] of params) this.#params.set(name, value);
  }

  /** A query's own comment stands behind the label, which must go on finding it. */
  #labelled(settings: QueryRequest["settings"]): QueryRequest["settings"] {
    const comment = settings.get(COMMENT);
    if (comment === undefined) return settings;
    return new Map([...settings, [COMMENT, `${this.label}${LABEL_END}${comment}`]]);
  }

  #normalValue(name: string): string {
    const base = name === COMMENT ? this.label : BASE_SETTINGS.get(name);
    return base === undefined ? "DEFAULT" : quote(base);
  }
}

/** A condition on `system.processes` that holds for what runs on the session of a label. */
export function runsUnder(label: string): string {
  const comment = `Settings['${COMMENT}']`;
  return `(${comment} = ${quote(label)} OR startsWith(${comment}, ${quote(label + LABEL_END)}))`;
}

/** A session of the engine that its label finds. */
export function openSession(options: Omit<LentSessionOptions, "keepsState">): Session {
  const { storeDir, configFile, label } = options;
  const settings = [...BASE_SETTINGS, [COMMENT, label]];
  return new Session(storeDir, {
    connectionArgs: [
      `--config-file=${configFile}`,
      ...settings.map(([name, value]) => `--${name}=${value}`),
    ],
  });
}
