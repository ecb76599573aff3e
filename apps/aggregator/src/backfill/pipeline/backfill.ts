import { HOUR_MS } from "@trueclick/shared/time";
import type { DirtyHour, DirtyHours } from "../ports/dirtyHours.ts";
import { type HealDeps, healHour } from "./healHour.ts";
import { type RollupDeps, rollUp } from "./rollUp.ts";

/** Told what is done, for metrics and logs. Must not throw. */
export interface BackfillObserver {
  healed(hour: DirtyHour, facts: { readonly events: number; readonly corrected: number }): void;
  /** Hours that wait to be healed. */
  open(hours: number): void;
  rolledUp(): void;
  failed(step: string, error: unknown): void;
}

export interface BackfillStepDeps {
  readonly rollup: RollupDeps;
  readonly dirtyHours: DirtyHours;
  /** Null where the archive is out of reach: hours are rolled up, and none is healed. */
  readonly heal: HealDeps | null;
  readonly observer: BackfillObserver;
  /** Least time between two backfills of one hour. */
  readonly restMs: number;
}

/** Recounts that wait for the archive at once; the others come after. */
const PENDING_MAX = 200;

/** Rolls up and heals, step by step. What it remembers from step to step may be forgotten. */
export class Backfill {
  readonly #deps: BackfillStepDeps;
  /** Hours as they were taken up, until the archive has come to their bounds. */
  readonly #pending = new Map<number, DirtyHour>();

  /** Every window of every partition that ends by then is closed. */
  #closedMs = 0;

  constructor(deps: BackfillStepDeps) {
    this.#deps = deps;
  }

  /** Whether everything that was tried went well. */
  async step(signal: AbortSignal): Promise<boolean> {
    const { rollup, heal, observer } = this.#deps;
    const rolled = await this.#try("roll up", async () => {
      const { closedMs, moved } = await rollUp(rollup);
      this.#closedMs = closedMs ?? 0;
      if (moved) observer.rolledUp();
    });
    if (heal === null || signal.aborted) return rolled;
    return (await this.#try("heal", () => this.#heal(heal, signal))) && rolled;
  }

  async #try(step: string, act: () => Promise<void>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      this.#deps.observer.failed(step, error);
      return false;
    }
  }

  async #heal(heal: HealDeps, signal: AbortSignal): Promise<void> {
    const { dirtyHours, observer, restMs } = this.#deps;
    await dirtyHours.settleGaps();
    const open = (await dirtyHours.open(restMs)).map((hour) => this.#withClosed(hour));
    observer.open(open.length);
    for (const hour of open) {
      if (this.#pending.size < PENDING_MAX && isHealable(hour) && !this.#pending.has(hour.hourMs)) {
        this.#pending.set(hour.hourMs, hour);
      }
    }
    const frontier = await dirtyHours.archiveFrontier();
    for (const [hourMs, hour] of this.#pending) {
      if (signal.aborted) return;
      if (!isArchived(hour, frontier)) continue;
      this.#pending.delete(hourMs);
      const startedAt = new Date();
      const facts = await healHour(heal, hour, signal);
      await dirtyHours.healed(hour, { ...facts, startedAt });
      observer.healed(hour, facts);
    }
  }

  /**
   * A partition that rests has a watermark of long ago, or none, and closed its windows all the same. One
   * that was not counted yet has none, and its windows are open.
   */
  #withClosed(hour: DirtyHour): DirtyHour {
    const closedMs = this.#closedMs;
    const isClosed = closedMs >= hour.hourMs + HOUR_MS;
    const bounds = hour.bounds.map(({ watermarkMs, ...bound }) => {
      const isKnown = watermarkMs !== null || isClosed;
      return { ...bound, watermarkMs: isKnown ? Math.max(watermarkMs ?? 0, closedMs) : null };
    });
    return { ...hour, bounds };
  }
}

/** Late events are of closed windows. All else may be in any, and waits until the hour is over. */
function isHealable({ hourMs, causes, bounds }: DirtyHour): boolean {
  const isClosed = bounds.every(({ watermarkMs }) => (watermarkMs ?? 0) >= hourMs + HOUR_MS);
  return isClosed || causes.every((cause) => cause === "late");
}

function isArchived({ bounds }: DirtyHour, frontier: ReadonlyMap<number, bigint>): boolean {
  return bounds.every(({ partition, nextOffset }) => (frontier.get(partition) ?? 0n) >= nextOffset);
}
