import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { blockLines } from "@trueclick/shared/event/block";
import { readFrames } from "../adapters/spool/frames.ts";

/** What lies in a spool's folder, as the next process would find it. */
export async function readSpoolFiles(folder: string) {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.includes(".spool"));
  const files = await Promise.all(
    names.map(async (name) => readFrames(await readFile(join(folder, name)))),
  );
  const lines = files.flatMap(({ blocks }) => blocks.flatMap(({ value }) => blockLines(value)));
  return {
    names,
    eventIds: lines.map((line): string => JSON.parse(Buffer.from(line).toString()).event_id),
    tornBytes: files.reduce((sum, { tornBytes }) => sum + tornBytes, 0),
    damagedBytes: files.reduce((sum, { damagedBytes }) => sum + damagedBytes, 0),
  };
}
