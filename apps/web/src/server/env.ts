import {
  CLUSTER_VARIABLES,
  type ClickHouseCluster,
  toClickHouseCluster,
} from "@trueclick/db/clickhouse/cluster/clickhouseCluster";
import { z } from "zod";

/** A secret shorter than this can be guessed. */
const SECRET_LENGTH_MIN = 32;

const envSchema = z.object({
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  CLICKHOUSE_URL: z.url({ protocol: /^https?$/ }),
  ...CLUSTER_VARIABLES,
  BETTER_AUTH_SECRET: z.string().min(SECRET_LENGTH_MIN),
  WEB_URL: z.url({ protocol: /^https?$/ }),
});

export interface Env {
  readonly databaseUrl: string;
  readonly clickhouseUrl: string;
  /** Null: one engine. */
  readonly clickhouseCluster: ClickHouseCluster | null;
  readonly authSecret: string;
  /** Where browsers find this app; decides whether cookies are for https only. */
  readonly webUrl: string;
}

export const isDevelopment = process.env.NODE_ENV === "development";

/**
 * Where this process answers, from the same machine: Next says the port once it listens.
 *
 * @returns undefined where nobody said.
 */
export function ownUrl(
  source: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  const port = source["PORT"];
  return port === undefined ? undefined : `http://127.0.0.1:${port}`;
}

/**
 * Reads and checks the settings. Called at the first request, not on import: a build needs none.
 *
 * @throws {z.ZodError} naming each setting that is missing or wrong.
 */
export function loadEnv(source: Readonly<Record<string, string | undefined>> = process.env): Env {
  const env = envSchema.parse(source);
  return {
    databaseUrl: env.DATABASE_URL,
    clickhouseUrl: env.CLICKHOUSE_URL,
    clickhouseCluster: toClickHouseCluster(env),
    authSecret: env.BETTER_AUTH_SECRET,
    webUrl: env.WEB_URL,
  };
}
