import { setTimeout as pause } from "node:timers/promises";
import { countHistory } from "../demo/seed/countHistory.ts";
import { type DemoState, saveDemoState } from "../demo/seed/demoState.ts";
import { createEdgeClient } from "../send/edgeClient.ts";
import { openEventLog, withStores } from "../stack/openStores.ts";
import type { StackFile } from "../stack/stackFile.ts";
import type { Launch } from "./bringUp.ts";

const TRIES_MAX = 10;
const TRY_AGAIN_MS = 10_000;

export interface BackgroundCount {
  /** Waits until it has let go of the stores; the user's stop makes it do so. */
  stop(): Promise<void>;
}

/** Counts the demo's past while the stack is in use. Whatever is left is done at the next start. */
export function countInBackground(
  launch: Launch,
  stack: StackFile,
  state: DemoState,
): BackgroundCount {
  const counting = state.counted || state.history === null ? null : run(launch, stack, state);
  return { stop: async () => void (await counting) };
}

async function run(launch: Launch, stack: StackFile, state: DemoState): Promise<void> {
  const { settings, secrets, context, say } = launch;
  const { stop } = context;
  if (state.history === null) return;
  const range = state.history;
  const sourceKey = secrets.demoSourceKey;
  const edge = createEdgeClient({ ingestUrl: stack.ingestUrl, sourceKey, stop });
  const log = openEventLog(stack);
  const topic = stack.eventsTopic;
  for (let tries = 1; tries <= TRIES_MAX && !stop.aborted; tries += 1) {
    try {
      await withStores(stack, (stores) => countHistory({ stores, log, edge, topic, range, stop }));
      await saveDemoState(settings.dataDir, { ...state, counted: true });
      say("The demo's past is counted.");
      return;
    } catch (error) {
      // An engine that is being started again comes back; what is counted stays counted.
      if (!stop.aborted && tries === TRIES_MAX) {
        say(`The demo's past could not be counted, the next start goes on: ${String(error)}`);
      }
      await pause(TRY_AGAIN_MS, null, { signal: stop }).catch(() => null);
    }
  }
}
