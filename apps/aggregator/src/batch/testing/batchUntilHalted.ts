/**
 * The whole batch role as a process that comes to a halt in the middle of slices that it judges for a back-test
 * and a verification at once, and says so, or kills itself there: `node batchUntilHalted.ts '{"end": …}'`. It
 * ends in order when it is told to, but for those slices, as the product does when a slice takes long.
 */
import { once } from "node:events";
import { flushCompileCache } from "node:module";
import { argv, stdout } from "node:process";
import { createFolderObjects } from "@trueclick/archive/clickhouseObjects";
import { createFolderObjectStore } from "@trueclick/archive/folderObjectStore";
import { openDatabase } from "@trueclick/db/postgres/database";
import { openTestClickHouse } from "@trueclick/db/testing/testClickHouse";
import { DAY_MS } from "@trueclick/shared/time";
import { pino } from "pino";
import { z } from "zod";
import { composeBatch } from "../composeBatch.ts";

const optionsSchema = z.object({
  /** `halt`: the slices never end. */
  end: z.enum(["kill", "halt"]),
  databaseUrl: z.string(),
  clickhouseUrl: z.string(),
  objectsDir: z.string(),
  topic: z.string(),
});
export type HaltedRun = z.infer<typeof optionsSchema>;

/** What it writes once it has come to the halt. */
export const HALTED = "halted";
/** One of each kind. */
const WORKS = 2;

async function main(): Promise<void> {
  const { end, ...at } = optionsSchema.parse(JSON.parse(argv[2] ?? ""));
  flushCompileCache();
  const { db } = openDatabase(at.databaseUrl, { connectionsMax: 8 });
  const clickhouse = openTestClickHouse(at.clickhouseUrl);
  let halted = 0;
  const command = clickhouse.command.bind(clickhouse);
  clickhouse.command = async (params) => {
    const done = await command(params);
    if (params.clickhouse_settings?.log_comment !== "batch.cube") return done;
    halted += 1;
    if (halted === WORKS && end === "kill") process.kill(process.pid, "SIGKILL");
    if (halted === WORKS) stdout.write(`${HALTED}\n`);
    return new Promise(() => {});
  };
  const stopping = new AbortController();
  once(process, "SIGTERM").then(() => stopping.abort());
  const settings = {
    ...{ topic: at.topic, tzdata: "test", allowedLatenessMs: 0, scheduleIntervalMs: 0 },
    sweepAfterMs: DAY_MS,
  };
  await composeBatch(
    {
      ...{ db, clickhouse, settings, logger: pino({ level: "silent" }) },
      objectStore: createFolderObjectStore(at.objectsDir),
      clickhouseObjects: createFolderObjects(at.objectsDir),
    },
    stopping.signal,
  );
}

if (import.meta.main) await main();
