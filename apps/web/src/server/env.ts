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
  /** The address to listen on. */
  WEB_HOST: z.string().min(1).default("127.0.0.1"),
  /** 0 takes a free one. */
  WEB_PORT: z.coerce.number().int().min(0).max(65_535).default(3_000),
  NODE_ENV: z.string().optional(),
});

export interface Env {
  readonly databaseUrl: string;
  readonly clickhouseUrl: string;
  /** Null: one engine. */
  readonly clickhouseCluster: ClickHouseCluster | null;
  readonly authSecret: string;
  /** Where browsers find this app; decides whether cookies are for https only. */
  readonly webUrl: string;
  readonly host: string;
  readonly port: number;
  /** Pages are built as they are asked for, and what changes in them is sent to the browser. */
  readonly isDevelopment: boolean;
}

/**
 * Reads and checks the settings.
 *
 * @throws {Error} naming each setting that is missing or wrong, in one line.
 */
export function loadEnv(source: Readonly<Record<string, string | undefined>>): Env {
  const parsed = envSchema.safeParse(source);
  if (!parsed.success) {
    const wrong = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    throw new Error(`settings are missing or wrong: ${wrong.join("; ")}`);
  }
  const env = parsed.data;
  return {
    databaseUrl: env.DATABASE_URL,
    clickhouseUrl: env.CLICKHOUSE_URL,
    clickhouseCluster: toClickHouseCluster(env),
    authSecret: env.BETTER_AUTH_SECRET,
    webUrl: env.WEB_URL,
    host: env.WEB_HOST,
    port: env.WEB_PORT,
    isDevelopment: env.NODE_ENV === "development",
  };
}
