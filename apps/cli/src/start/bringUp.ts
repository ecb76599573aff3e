/** The part of a start that lies before the programs: stores, schemas, the demo organisation. */
import type { DemoState } from "../demo/seed/demoState.ts";
import { makeDemo } from "../demo/seed/makeDemo.ts";
import { seedTokenKey } from "../keys/tokenKeys.ts";
import { openEventLog, withStores } from "../stack/openStores.ts";
import type { StackFile } from "../stack/stackFile.ts";
import type { CliContext } from "../terminal/context.ts";
import { createProgress } from "../terminal/progress.ts";
import { migrate, openEngines } from "./openEngines.ts";
import type { Secrets } from "./secrets.ts";
import type { StartSettings } from "./startSettings.ts";
import type { Supervision } from "./supervisor.ts";
import type { Teardown } from "./teardown.ts";

export interface Launch {
  readonly context: CliContext;
  readonly settings: StartSettings;
  readonly secrets: Secrets;
  readonly teardown: Teardown;
  readonly onStart: (name: string, pid: number) => Promise<void>;
  readonly say: (line: string) => void;
}

export interface BroughtUp {
  readonly stack: StackFile;
  readonly state: DemoState;
  readonly supervisions: readonly Supervision[];
}

export async function bringUpStores(launch: Launch): Promise<BroughtUp> {
  const { context, settings, secrets, teardown, say } = launch;
  say("Starting PostgreSQL and ClickHouse");
  const { stack, supervisions } = await openEngines(settings, secrets, teardown, launch.onStart);
  context.stop.throwIfAborted();
  await migrate(stack, settings);
  const progress = createProgress(context.stderr);
  const state = await withStores(stack, async ({ db }) => {
    await seedTokenKey(db, secrets.tokenKey);
    return makeDemo({
      data: settings.dataDir,
      db,
      log: openEventLog(stack),
      topic: stack.eventsTopic,
      secrets,
      ipHashKey: settings.ipHashKey ?? secrets.ipHashKey,
      history: settings.history,
      signal: context.stop,
      onProgress: (fraction) => progress.show(fraction, "laying down the demo's past"),
      nowMs: Date.now(),
    });
  });
  progress.clear();
  return { stack, state, supervisions };
}
