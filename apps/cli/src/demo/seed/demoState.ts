/** How far the making of the demo organisation has come. Each step is done once, in this order. */
import { z } from "zod";
import type { DataDir } from "../../stack/dataDir.ts";
import { writePrivateFile } from "../../stack/files.ts";
import { readJsonFile } from "../../stack/stackFile.ts";

const demoStateSchema = z.object({
  /** Fixed before the first record of the past is laid down, so that it can be gone on with. */
  history: z.object({ firstDay: z.string(), toMs: z.int() }).nullable(),
  /** Advertisers, campaigns, users and keys are there. */
  organised: z.boolean(),
  /** The whole past is in the log. */
  laidDown: z.boolean(),
  /** Every past day was counted once, and the correction of one was made. */
  counted: z.boolean(),
});
export type DemoState = z.infer<typeof demoStateSchema>;

const NOTHING_DONE: DemoState = {
  history: null,
  organised: false,
  laidDown: false,
  counted: false,
};

export async function loadDemoState(data: DataDir): Promise<DemoState> {
  return (await readJsonFile(data.file("demoState"), demoStateSchema)) ?? NOTHING_DONE;
}

export function saveDemoState(data: DataDir, state: DemoState): Promise<void> {
  return writePrivateFile(data.file("demoState"), `${JSON.stringify(state)}\n`);
}
