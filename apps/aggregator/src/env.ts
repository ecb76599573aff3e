import { createEnv } from "@t3-oss/env-core";
import {
  OBJECTS_VARIABLES,
  type ObjectsVariables,
  toObjectsSettings,
} from "@trueclick/archive/objectsSettings";
import { CLUSTER_VARIABLES } from "@trueclick/db/clickhouse/cluster/clickhouseCluster";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import { z } from "zod";

const ROLES = ["stream", "archive", "batch", "quarantine"] as const;
const roleSchema = z.enum(ROLES);
export type Role = z.infer<typeof roleSchema>;

const positiveMs = z.coerce.number().int().positive();
const port = z.coerce.number().int().min(0).max(65_535);

/**
 * Reads and checks the aggregator's settings. Called once, by `main.ts`, with `process.env`. The
 * source is an argument so that tests need no mocks.
 *
 * @throws if a value is missing or impossible, after printing which.
 */
export function loadEnv(source: Record<string, string | undefined>) {
  return createEnv({
    server: {
      /** Product tables; and the event log, unless `KAFKA_BROKERS` is set. */
      DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
      CLICKHOUSE_URL: z.url({ protocol: /^https?$/ }),
      ...CLUSTER_VARIABLES,
      KAFKA_BROKERS: z
        .string()
        .min(1)
        .transform((list) => list.split(",").map((broker) => broker.trim()))
        .optional(),
      EVENTS_TOPIC: z
        .string()
        .regex(/^[A-Za-z0-9._-]{1,249}$/, "must be a topic name of Kafka")
        .default("clicks.raw"),
      ...OBJECTS_VARIABLES,
      /** Ranges of data centres, `first,last,…` a line; truth marks events of their networks. */
      DATACENTER_RANGES_FILE: z.string().min(1).optional(),
      QUARANTINE_TOPIC: z
        .string()
        .regex(/^[A-Za-z0-9._-]{1,249}$/, "must be a topic name of Kafka")
        .default("clicks.quarantine"),
      /** How long refused events stay in the store. Older than 35 days none would be accepted. */
      QUARANTINE_RETENTION_MS: positiveMs.default(35 * DAY_MS),
      /** Another value counts late events otherwise; hot rows of before and after it differ in that. */
      ALLOWED_LATENESS_MS: positiveMs.default(10 * MINUTE_MS),
      /** How often counts are written, so that reports show the current ones. */
      STREAM_FLUSH_INTERVAL_MS: positiveMs.max(MINUTE_MS).default(SECOND_MS),
      ARCHIVE_FLUSH_INTERVAL_MS: positiveMs.default(MINUTE_MS),
      /** Least time between two recounts of one hour, however many late events come for it. */
      BACKFILL_INTERVAL_MS: positiveMs.default(30 * SECOND_MS),
      /** How long a process that is not heard of keeps its partitions; the longest hand-over. */
      LEASE_MS: positiveMs
        .min(500)
        .max(MINUTE_MS)
        .default(8 * SECOND_MS),
      /** Names this process across restarts, so that the next takes its partitions over at once. */
      AGGREGATOR_INSTANCE: z
        .string()
        .regex(/^[A-Za-z0-9._-]{1,100}$/)
        .optional(),
      /** How often the batch looks for days to count unasked; 0 is off. */
      BATCH_SCHEDULE_INTERVAL_MS: z.coerce.number().int().min(0).default(MINUTE_MS),
      /**
       * How long the rows of a recount stay that published nothing: longer than an insert can last
       * whose runner lost the job.
       */
      BATCH_SWEEP_AFTER_MS: z.coerce.number().int().min(HOUR_MS).default(DAY_MS),
      AGGREGATOR_ROLES: z
        .string()
        .default(ROLES.join(","))
        .transform((list) => list.split(",").map((role) => role.trim()))
        .pipe(z.array(roleSchema).min(1))
        .transform((roles): ReadonlySet<Role> => new Set(roles)),
      /** The address for health and metrics. Not all of them unless said so: it has no password. */
      AGGREGATOR_HOST: z.string().min(1).default("127.0.0.1"),
      /** Health and metrics; 0 is off. */
      AGGREGATOR_PORT: port.default(0),
      LOG_LEVEL: z
        .enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"])
        .default("info"),
    },
    runtimeEnv: source,
    emptyStringAsUndefined: true,
    createFinalSchema: (shape) => z.object(shape).check(hasObjects),
  });
}

/** The roles archive and batch need a place for objects, and whatever names one must be complete. */
function hasObjects(
  context: z.core.ParsePayload<ObjectsVariables & { readonly AGGREGATOR_ROLES: ReadonlySet<Role> }>,
): void {
  const { AGGREGATOR_ROLES: roles, ...variables } = context.value;
  const refuse = (message: string, path: string) => {
    context.issues.push({ code: "custom", message, path: [path], input: undefined });
  };
  try {
    const isNeeded = roles.has("archive") || roles.has("batch");
    if (isNeeded && toObjectsSettings(variables) === null) {
      refuse("is needed by the roles archive and batch, or S3_ENDPOINT is", "OBJECTS_DIR");
    }
  } catch (error) {
    refuse(error instanceof Error ? error.message : String(error), "S3_ENDPOINT");
  }
}

export type Env = ReturnType<typeof loadEnv>;
