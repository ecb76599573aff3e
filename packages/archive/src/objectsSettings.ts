import { z } from "zod";
import type { S3Settings } from "./s3/s3Client.ts";

/** Where the archive's objects are kept. */
export type ObjectsSettings =
  | { readonly kind: "folder"; readonly dir: string }
  | ({ readonly kind: "s3" } & S3Settings);

const text = z.string().min(1).optional();

/** The variables that name it. Those of S3 go before `OBJECTS_DIR`. */
export const OBJECTS_VARIABLES = {
  /** Folder of the archive's objects. */
  OBJECTS_DIR: text,
  /** Where the S3 API is spoken; sets the folder aside. */
  S3_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  S3_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "must be the name of a bucket")
    .optional(),
  S3_ACCESS_KEY_ID: text,
  S3_SECRET_ACCESS_KEY: text,
  S3_REGION: z.string().min(1).default("us-east-1"),
  /** Off for servers that want the bucket in the host's name. */
  S3_PATH_STYLE: z.enum(["true", "false"]).default("true"),
};

const variablesSchema = z.object(OBJECTS_VARIABLES);
export type ObjectsVariables = z.infer<typeof variablesSchema>;

/**
 * Reads them from an environment; an empty value counts as none.
 *
 * @throws {z.ZodError} naming the variable that cannot be.
 */
export function parseObjectsVariables(
  env: Readonly<Record<string, string | undefined>>,
): ObjectsVariables {
  const given = Object.entries(env).filter(([, value]) => value !== "");
  return variablesSchema.parse(Object.fromEntries(given));
}

/**
 * The place that the variables name; null when they name none.
 *
 * @throws {RangeError} when some of S3's are set and others are missing.
 */
export function toObjectsSettings(variables: ObjectsVariables): ObjectsSettings | null {
  const {
    OBJECTS_DIR: dir,
    S3_ENDPOINT: endpoint,
    S3_BUCKET: bucket,
    S3_ACCESS_KEY_ID: accessKeyId,
    S3_SECRET_ACCESS_KEY: secretAccessKey,
  } = variables;
  const parts = { endpoint, bucket, accessKeyId, secretAccessKey };
  if (Object.values(parts).every((part) => part === undefined)) {
    return dir === undefined ? null : { kind: "folder", dir };
  }
  if (
    endpoint === undefined ||
    bucket === undefined ||
    accessKeyId === undefined ||
    secretAccessKey === undefined
  ) {
    throw new RangeError(
      "S3_ENDPOINT, S3_BUCKET, S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY go together",
    );
  }
  return {
    kind: "s3",
    endpoint,
    bucket,
    accessKeyId,
    secretAccessKey,
    region: variables.S3_REGION,
    pathStyle: variables.S3_PATH_STYLE === "true",
  };
}
