/** Makes the demo organisation and its past, once; a start that died in between is gone on with. */

import type { Database } from "@trueclick/db/postgres/database";
import type { EventLog } from "@trueclick/event-log";
import type { DataDir } from "../../stack/dataDir.ts";
import { endOffsets } from "../../stack/endOffsets.ts";
import type { Secrets } from "../../start/secrets.ts";
import { historyRange } from "../domain/history.ts";
import { type DemoState, loadDemoState, saveDemoState } from "./demoState.ts";
import { layHistory } from "./layHistory.ts";
import { seedAccess } from "./seedAccess.ts";
import { seedOrganisation } from "./seedOrganisation.ts";

export interface MakeDemoOptions {
  readonly data: DataDir;
  readonly db: Database;
  readonly log: EventLog;
  readonly topic: string;
  readonly secrets: Secrets;
  readonly ipHashKey: string;
  /** Whether a new organisation gets a past. */
  readonly history: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (fraction: number) => void;
  readonly nowMs: number;
}

/** Must end before anybody else appends to the log: the past lies before the present in it. */
export async function makeDemo(options: MakeDemoOptions): Promise<DemoState> {
  const { data, db, log, topic } = options;
  let state = await loadDemoState(data);
  if (!state.organised) {
    // Where others have appended already, a past can no longer come first.
    const wanted = options.history && state.history === null && (await isEmpty(log, topic));
    const range = state.history ?? historyRange(options.nowMs);
    if (wanted) {
      state = { ...state, history: range };
      await saveDemoState(data, state);
    }
    await seedOrganisation(db, range);
    state = { ...state, organised: true };
    await saveDemoState(data, state);
  }
  await seedAccess(db, options.secrets);
  if (!state.laidDown) {
    if (state.history !== null) await layHistory(log, { ...options, range: state.history });
    state = { ...state, laidDown: true, counted: state.history === null };
    await saveDemoState(data, state);
  }
  return state;
}

async function isEmpty(log: EventLog, topic: string): Promise<boolean> {
  return (await endOffsets(log, topic)).every((end) => end === 0n);
}
