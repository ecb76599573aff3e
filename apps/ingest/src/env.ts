import { createEnv } from "@t3-oss/env-core";
import { z } from "zod";

const MIB = 1_048_576;
const topic = z.string().regex(/^[A-Za-z0-9._-]{1,249}$/, "must be a topic name of Kafka");

/**
 * Reads and checks the edge's settings. Called once, by `main.ts`, with `process.env`.
 *
 * @throws if a value is missing or impossible, after printing which.
 */
export function loadEnv(source: Record<string, string | undefined>) {
  return createEnv({
    server: {
      /** Keys of sources; and the event log, unless `KAFKA_BROKERS` is set. */
      DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
      KAFKA_BROKERS: z
        .string()
        .min(1)
        .transform((list) => list.split(",").map((broker) => broker.trim()))
        .optional(),
      EVENTS_TOPIC: topic.default("clicks.raw"),
      QUARANTINE_TOPIC: topic.default("clicks.quarantine"),
      /** Only for creating the topic: one that is there keeps what it has. */
      EVENTS_PARTITIONS: z.coerce.number().int().min(1).max(1_024).default(4),
      /** The address to listen on. Not all of them unless said so: `/metrics` has no password. */
      INGEST_HOST: z.string().min(1).default("127.0.0.1"),
      /** 0 takes a free one. */
      INGEST_PORT: z.coerce.number().int().min(0).max(65_535).default(4_000),
      REGION: z.string().min(1).max(64).default("local"),
      /** Key of the hash of IP addresses: at least 128 bits, hex. With another, users count anew. */
      IP_HASH_KEY: z.string().regex(/^(?:[0-9a-fA-F]{2}){16,64}$/, "must be 32 to 128 hex digits"),
      /** Ranges of data centres, `first,last,…` a line: clicks from there are flagged. */
      DATACENTER_RANGES_FILE: z.string().min(1).optional(),
      /** File in MaxMind's format that says which country an address is of; without it, `ZZ`. */
      GEO_DATABASE: z.string().min(1).optional(),
      /** Most bytes of bodies held at once; beyond it the answer is 503. */
      IN_FLIGHT_BYTES_MAX: z.coerce
        .number()
        .int()
        .min(MIB)
        .default(64 * MIB),
      /**
       * Secrets of click tokens by key id, JSON of base64: `{"2026-06": "…"}`, each at least 128
       * bits. Without it tokens are not judged, and there is no `/c/{token}`.
       */
      TOKEN_KEYS: z
        .string()
        .transform((text, context) => parseTokenKeys(text, context))
        .optional(),
      /** Folder of the spool, for this edge alone. Without it a log that is down means 503. */
      SPOOL_DIR: z.string().min(1).optional(),
      /** Most bytes of the spool; beyond it the answer is 503. */
      SPOOL_BYTES_MAX: z.coerce
        .number()
        .int()
        .min(MIB)
        .default(1_024 * MIB),
      /** A log that has not confirmed after this is passed by, milliseconds. */
      SPOOL_AFTER_MS: z.coerce.number().int().min(10).max(60_000).default(1_000),
      /** Most events of one source, on average; beyond it the answer is 429. */
      SOURCE_EVENTS_PER_SECOND: z.coerce.number().int().min(1).default(200_000),
      LOG_LEVEL: z
        .enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"])
        .default("info"),
    },
    runtimeEnv: source,
    emptyStringAsUndefined: true,
  });
}

const SECRET_BYTES_MIN = 16;
const secret = z
  .base64()
  .transform((text) => new Uint8Array(Buffer.from(text, "base64")))
  .refine((bytes) => bytes.length >= SECRET_BYTES_MIN, "must have at least 128 bits");
const tokenKeys = z
  .record(z.string().regex(/^[A-Za-z0-9_-]{1,32}$/), secret)
  .refine((keys) => Object.keys(keys).length > 0, "must hold a key")
  .transform((keys) => new Map(Object.entries(keys)));

function parseTokenKeys(text: string, context: z.RefinementCtx): Map<string, Uint8Array> {
  try {
    return tokenKeys.parse(JSON.parse(text));
  } catch {
    // Not the parser's words: they could repeat a secret.
    context.addIssue('must be JSON like {"key id": "base64 of at least 128 bits"}');
    return z.NEVER;
  }
}

export type Env = ReturnType<typeof loadEnv>;
