import { ANSWERED_AT_ONCE, openClickHouse } from "@trueclick/db/clickhouse/client";
import { openDatabase } from "@trueclick/db/postgres/database";
import { AnswerMemo, RECENT_CHARACTERS_MAX } from "@trueclick/db/queries/answerMemo";
import { LatestAnswers } from "@trueclick/db/queries/latestAnswers";
import { OpenHoursKept } from "@trueclick/db/queries/openHours";
import type { DatedRows } from "@trueclick/db/routing/reportQuery";
import { createAuth } from "./auth.ts";
import type { Env } from "./env.ts";
import { createLoadViewer } from "./findViewer.ts";
import type { ApiParts } from "./http/api.ts";
import { KnownCallers } from "./rest/knownCallers.ts";
import { Warmth } from "./warmth.ts";

/** Connections to Postgres that one web process may hold. */
const CONNECTIONS_MAX = 10;

/** The parts of the web app, which `runWeb.ts` makes once; everything below takes them as arguments. */
export interface WebParts extends ApiParts {
  /** Lets go of the stores; for after the last answer. */
  close(): Promise<void>;
}

/** Makes the parts, and gives pages what they take of them. Warmth begins now. */
export function composeWeb(env: Env): WebParts {
  const database = openDatabase(env.databaseUrl, {
    connectionsMax: CONNECTIONS_MAX,
    keepsIdle: true,
  });
  const clickhouse = openClickHouse(env.clickhouseUrl, env.clickhouseCluster, ANSWERED_AT_ONCE);
  const stores = {
    db: database.db,
    clickhouse,
    memo: new AnswerMemo(),
    recent: new AnswerMemo(RECENT_CHARACTERS_MAX),
    latest: new LatestAnswers<DatedRows>(),
    openHours: new OpenHoursKept(),
  };
  const auth = createAuth(database.db, env);
  globalThis.trueclickComposition = { loadViewer: createLoadViewer(stores, auth) };
  return {
    webUrl: env.webUrl,
    stores,
    auth,
    callers: new KnownCallers(),
    warmth: new Warmth(),
    close: async () => {
      await Promise.all([database.close(), clickhouse.close()]);
    },
  };
}
