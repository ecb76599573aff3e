import { HOUR_MS } from "@trueclick/shared/time";
import type { DirtyHour, DirtyHours } from "../ports/dirtyHours.ts";
import { type HealDeps, healHour } from "./healHour.ts";
import { type RollupDeps, type RollupStep, rollUp } from "./rollUp.ts";
import { tellLines } from "./tellLines.ts";

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
/** Hours of one step that may fail; with more, it is not the hours that something is wrong with. */
const FAILURES_MAX = 10;
/** How often it is looked for hours without lines, once all have some. */
const FILL_AGAIN_MS = 60_000;
/** Hours of before that are given lines in one step. */
const LINES_HOURS_MAX = 12;
/** Failed hours that are remembered. Those beyond are taken for such as were not tried yet. */
const FAILED_MAX = 10_000;

/** Rolls up and heals, step by step. What it remembers from step to step may be forgotten. */
export class Backfill {
  readonly #deps: BackfillStepDeps;
  /** Hours as they were taken up, until the archive has come to their bounds. */
  readonly #pending = new Map<number, DirtyHour>();
  /** Hours that could not be healed, the least recently tried first. */
  readonly #failed = new Set<number>();

  /** Every window of every partition that ends by then is closed. */
  #closedMs = 0;
  /** When to look again for hours that are rolled up and have no lines, by the clock of the process. */
  #fillLinesAtMs = 0;

  constructor(deps: BackfillStepDeps) {
    this.#deps = deps;
  }

  /** Whether everything that was tried went well. */
  async step(signal: AbortSignal): Promise<boolean> {
    const { rollup, heal, observer } = this.#deps;
    const rolled = await this.#try("roll up", async () => {
      const step = await rollUp(rollup, this.#linesFailed);
      this.#closedMs = step.closedMs ?? 0;
      if (step.moved) observer.rolledUp();
      await this.#fillLines(step);
    });
    if (heal === null || signal.aborted) return rolled;
    let failures = 0;
    const tried = await this.#try("heal", async () => {
      failures = await this.#heal(heal, signal);
    });
    return tried && failures === 0 && rolled;
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

  /** Of hours that were rolled up before there were lines, or whose lines could not be written. */
  async #fillLines({ rolled }: RollupStep): Promise<void> {
    const { lines } = this.#deps.rollup;
    const nowMs = performance.now();
    if (nowMs < this.#fillLinesAtMs || rolled === null) return;
    const hours = await lines.missing(rolled, LINES_HOURS_MAX);
    if (hours.length === 0) this.#fillLinesAtMs = nowMs + FILL_AGAIN_MS;
    await tellLines(lines, hours, this.#linesFailed);
  }

  readonly #linesFailed = (error: unknown): void => this.#deps.observer.failed("lines", error);

  /** @returns how many hours could not be healed. They come last from then on. */
  async #heal(heal: HealDeps, signal: AbortSignal): Promise<number> {
    const { dirtyHours, observer } = this.#deps;
    await dirtyHours.settleGaps();
    const open = await this.#openInTurn();
    observer.open(open.length);
    this.#takeUp(open);
    const frontier = await dirtyHours.archiveFrontier();
    let failures = 0;
    for (const [hourMs, hour] of this.#pending) {
      if (signal.aborted || failures === FAILURES_MAX) break;
      if (!isArchived(hour, frontier)) continue;
      this.#pending.delete(hourMs);
      this.#failed.delete(hourMs);
      if (await this.#try("heal", () => this.#healOne(heal, hour, signal))) continue;
      failures += 1;
      if (this.#failed.size < FAILED_MAX) this.#failed.add(hourMs);
    }
    return failures;
  }

  #takeUp(open: readonly DirtyHour[]): void {
    for (const hour of open) {
      if (this.#pending.size === PENDING_MAX) return;
      if (!this.#isHealable(hour) || this.#pending.has(hour.hourMs)) continue;
      this.#pending.set(hour.hourMs, hour);
    }
  }

  async #healOne(heal: HealDeps, hour: DirtyHour, signal: AbortSignal): Promise<void> {
    const { dirtyHours, observer, rollup } = this.#deps;
    const startedAt = new Date();
    await dirtyHours.recounting(hour);
    const facts = await healHour(heal, hour, signal);
    // Before it is said to be healed: from then on its lines are read.
    await tellLines(rollup.lines, [hour.hourMs], this.#linesFailed);
    await dirtyHours.healed(hour, { ...facts, startedAt });
    observer.healed(hour, facts);
  }

  /**
   * What is open, in the order in which it is taken up: an hour that cannot be healed, as an object
   * of it is damaged, comes behind all others, or many of them would keep every newer one out.
   */
  async #openInTurn(): Promise<DirtyHour[]> {
    const { dirtyHours, restMs } = this.#deps;
    const open = await dirtyHours.open(restMs, [...this.#failed]);
    const turns = new Map([...this.#failed].map((hourMs, turn) => [hourMs, turn]));
    const turnOf = ({ hourMs }: DirtyHour) => turns.get(hourMs) ?? -1;
    return open
      .map((hour) => this.#withClosed(hour))
      .toSorted((one, other) => turnOf(one) - turnOf(other));
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

  /**
   * Late events are of closed windows. All else may be in any, and waits until the hour is over. Where a
   * partition has no bound, as its checkpoint was deleted to count all again, nobody knows how far the
   * archive must have come there: marks may be of records that it still lacks and the log has lost.
   */
  #isHealable({ hourMs, causes, bounds }: DirtyHour): boolean {
    if (bounds.length < this.#deps.rollup.log.partitionCount) return false;
    const isClosed = bounds.every(({ watermarkMs }) => (watermarkMs ?? 0) >= hourMs + HOUR_MS);
    return isClosed || causes.every((cause) => cause === "late");
  }
}

function isArchived({ bounds }: DirtyHour, frontier: ReadonlyMap<number, bigint>): boolean {
  return bounds.every(({ partition, nextOffset }) => (frontier.get(partition) ?? 0n) >= nextOffset);
}
