import { HOUR_MS } from "@trueclick/shared/time";
import { windowStartMs } from "@trueclick/shared/window";
import { hoursOf } from "../../backfill/pipeline/tellLines.ts";
import type { HotLines } from "../../backfill/ports/hotLines.ts";
import type { SimulatedHotHours } from "./simulatedHours.ts";

/** Lines of hours, each as what its spans said when they were read. */
export class SimulatedHotLines implements HotLines {
  readonly #hotHours: SimulatedHotHours;
  readonly #lines = new Map<number, string>();

  constructor(hotHours: SimulatedHotHours) {
    this.#hotHours = hotHours;
  }

  async write(hoursMs: readonly number[]): Promise<void> {
    for (const hourMs of hoursMs) this.#lines.set(hourMs, this.#toldNow(hourMs));
  }

  async forget(hoursMs: readonly number[]): Promise<void> {
    for (const hourMs of hoursMs) this.#lines.delete(hourMs);
  }

  async missing(
    ...[{ fromMs, toMs }, hoursMax]: Parameters<HotLines["missing"]>
  ): Promise<number[]> {
    const spansMs = [...this.#hotHours.spans.values()].map(({ spanStartMs }) => spanStartMs);
    const oldestMs = windowStartMs(Math.min(toMs, ...spansMs), HOUR_MS);
    return hoursOf({ fromMs: Math.max(fromMs, oldestMs), toMs })
      .filter((hourMs) => !this.#lines.has(hourMs))
      .reverse()
      .slice(0, hoursMax);
  }

  async drop(beforeMs: number): Promise<void> {
    for (const hourMs of this.#lines.keys()) if (hourMs < beforeMs) this.#lines.delete(hourMs);
  }

  has(hourMs: number): boolean {
    return this.#lines.has(hourMs);
  }

  /** Hours before an instant whose lines are not what the hot store says. */
  overMs(beforeMs: number): number[] {
    return [...this.#lines]
      .filter(([hourMs, told]) => hourMs < beforeMs && told !== this.#toldNow(hourMs))
      .map(([hourMs]) => hourMs);
  }

  #toldNow(hourMs: number): string {
    const own = [...this.#hotHours.spans].filter(([, { spanStartMs }]) => {
      return windowStartMs(spanStartMs, HOUR_MS) === hourMs;
    });
    return JSON.stringify(own.toSorted(), (_name, value: unknown) =>
      typeof value === "bigint" ? String(value) : value,
    );
  }
}
