import { z } from "zod";
import type { DataDir } from "./dataDir.ts";
import { readTextFile, writePrivateFile } from "./files.ts";

/** `stack.json`: where the parts of a running stack are. Other verbs read it. */
export const stackFileSchema = z.object({
  databaseUrl: z.string(),
  clickhouseUrl: z.string(),
  /** Of which the servers there are; null for one engine. */
  clickhouseCluster: z.object({ name: z.string(), replicas: z.number() }).nullable().default(null),
  kafkaBrokers: z.array(z.string()).nullable(),
  objectsDir: z.string(),
  /** The bucket that holds the objects in the folder's place. */
  s3: z
    .object({
      endpoint: z.string(),
      bucket: z.string(),
      region: z.string(),
      accessKeyId: z.string(),
      secretAccessKey: z.string(),
      pathStyle: z.boolean(),
    })
    .nullable()
    .default(null),
  webUrl: z.string(),
  ingestUrl: z.string(),
  eventsTopic: z.string(),
});
export type StackFile = z.infer<typeof stackFileSchema>;

/** `demo.json`: what the start block printed, for scripts. */
export const demoFileSchema = z.object({
  webUrl: z.string(),
  ingestUrl: z.string(),
  logins: z.array(z.object({ email: z.string(), password: z.string(), role: z.string() })),
  ingestKey: z.string(),
  apiKeys: z.object({ engineer: z.string(), accountManager: z.string(), advertiser: z.string() }),
});
export type DemoFile = z.infer<typeof demoFileSchema>;

export async function readJsonFile<Value>(
  path: string,
  schema: z.ZodType<Value>,
): Promise<Value | null> {
  const text = await readTextFile(path);
  return text === null ? null : schema.parse(JSON.parse(text));
}

export function writeStackFile(data: DataDir, stack: StackFile): Promise<void> {
  return writePrivateFile(data.file("stack"), `${JSON.stringify(stack, null, 2)}\n`);
}

export function writeDemoFile(data: DataDir, demo: DemoFile): Promise<void> {
  return writePrivateFile(data.file("demo"), `${JSON.stringify(demo, null, 2)}\n`);
}
