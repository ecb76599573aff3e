import { ANSWERED_AT_ONCE, openClickHouse } from "@trueclick/db/clickhouse/client";
import { openDatabase } from "@trueclick/db/postgres/database";
import { AnswerMemo, RECENT_CHARACTERS_MAX } from "@trueclick/db/queries/answerMemo";
import { LatestAnswers } from "@trueclick/db/queries/latestAnswers";
import { OpenHoursKept } from "@trueclick/db/queries/openHours";
import type { DatedRows } from "@trueclick/db/routing/reportQuery";
import type { Stores } from "@trueclick/db/stores";
import { type Env, loadEnv } from "./env.ts";
import { KnownCallers } from "./rest/knownCallers.ts";
import type { ServedEndpoints } from "./rest/served.ts";
import { Warmth } from "./warmth.ts";

/** Connections to Postgres that one web process may hold. */
const CONNECTIONS_MAX = 10;

interface Composition {
  readonly env: Env;
  readonly stores: Stores;
  readonly callers: KnownCallers;
  readonly served: ServedEndpoints;
  /** Begins when the parts are made. */
  readonly warmth: Warmth;
}

declare global {
  /** Next builds this module into pages and into APIs: it is evaluated more than once in a process. */
  var trueclickComposition: Composition | undefined;
}

/**
 * The composition root of the web app. Next calls our modules and offers no `main`, so the parts
 * are made at the first request and kept for the life of the process; everything below takes them
 * as arguments.
 */
export function compose(): Composition {
  globalThis.trueclickComposition ??= make();
  return globalThis.trueclickComposition;
}

function make(): Composition {
  const env = loadEnv();
  const { db } = openDatabase(env.databaseUrl, {
    connectionsMax: CONNECTIONS_MAX,
    keepsIdle: true,
  });
  const clickhouse = openClickHouse(env.clickhouseUrl, env.clickhouseCluster, ANSWERED_AT_ONCE);
  const memo = new AnswerMemo();
  const recent = new AnswerMemo(RECENT_CHARACTERS_MAX);
  const latest = new LatestAnswers<DatedRows>();
  const openHours = new OpenHoursKept();
  const callers = new KnownCallers();
  const stores = { db, clickhouse, memo, recent, latest, openHours };
  return { env, stores, callers, served: new Map(), warmth: new Warmth() };
}
