import { mkdir, rm } from "node:fs/promises";
import { z } from "zod";
import { DATA_NAMES, type DataDir, type DataName } from "../stack/dataDir.ts";
import { writePrivateFile } from "../stack/files.ts";
import { readJsonFile } from "../stack/stackFile.ts";
import { CliError } from "../terminal/errors.ts";

const LOG_KINDS = ["postgres", "kafka"] as const;
export type LogKind = (typeof LOG_KINDS)[number];
const logKindSchema = z.object({ log: z.enum(LOG_KINDS) });

/**
 * Removes what former starts made, by name: a data folder that was pointed at the wrong place loses
 * nothing of others. The lock stays; we hold it.
 */
export async function emptyDataDir(data: DataDir): Promise<void> {
  const names = Object.keys(DATA_NAMES).filter(isDataName);
  await Promise.all(
    names
      .filter((name) => name !== "lock")
      .map((name) => rm(data.file(name), { recursive: true, force: true })),
  );
}

function isDataName(name: string): name is DataName {
  return Object.hasOwn(DATA_NAMES, name);
}

export async function makeDataDir(data: DataDir): Promise<void> {
  await mkdir(data.path, { recursive: true, mode: 0o700 });
}

export async function makeSubfolders(data: DataDir, objectsDir: string): Promise<void> {
  for (const path of [data.file("logs"), data.file("sends"), objectsDir]) {
    await mkdir(path, { recursive: true });
  }
}

/**
 * Holds a data folder to the log it began with: offsets of one mean nothing in the other.
 *
 * @throws {CliError} `other_log` if it began with the other kind.
 */
export async function assertLogKind(data: DataDir, log: LogKind): Promise<void> {
  const noted = await readJsonFile(data.file("logKind"), logKindSchema);
  if (noted === null) {
    await writePrivateFile(data.file("logKind"), JSON.stringify({ log }));
    return;
  }
  if (noted.log === log) return;
  const other = noted.log === "kafka" ? "in Kafka (--kafka or KAFKA_BROKERS)" : "in Postgres";
  throw new CliError(
    "other_log",
    `The data in ${data.path} has its event log ${other}. Start it that way, or use another\n` +
      "folder (--data DIR), or begin anew with --fresh.",
  );
}
