/**
 * Counters that each request touches. `prom-client` hashes and checks the labels at every step, which
 * takes longer than all else that is done for a small request; so the sums are kept here and handed
 * over when somebody asks.
 */

/** Sums by one or two labels. */
export class Tally {
  readonly #sums = new Map<string, Map<string, number>>();

  add(first: string, second: string, value: number): void {
    let sums = this.#sums.get(first);
    if (sums === undefined) {
      sums = new Map();
      this.#sums.set(first, sums);
    }
    sums.set(second, (sums.get(second) ?? 0) + value);
  }

  /** Every sum with its labels. */
  *entries(): Generator<readonly [first: string, second: string, sum: number]> {
    for (const [first, sums] of this.#sums) {
      for (const [second, sum] of sums) yield [first, second, sum];
    }
  }
}

interface Durations {
  /** How many lie within each bound but not the one before; behind the last, all longer ones. */
  readonly counts: Float64Array;
  sumS: number;
}

/** Durations of requests by route and status, as Prometheus has histograms. */
export class DurationHistogram {
  readonly #name: string;
  readonly #help: string;
  /** Rising, seconds. */
  readonly #boundsS: readonly number[];
  readonly #byRoute = new Map<string, Map<number, Durations>>();

  constructor(name: string, help: string, boundsS: readonly number[]) {
    this.#name = name;
    this.#help = help;
    this.#boundsS = boundsS;
  }

  observe(route: string, status: number, durationS: number): void {
    let byStatus = this.#byRoute.get(route);
    if (byStatus === undefined) {
      byStatus = new Map();
      this.#byRoute.set(route, byStatus);
    }
    let durations = byStatus.get(status);
    if (durations === undefined) {
      durations = { counts: new Float64Array(this.#boundsS.length + 1), sumS: 0 };
      byStatus.set(status, durations);
    }
    const found = this.#boundsS.findIndex((boundS) => durationS <= boundS);
    const index = found === -1 ? this.#boundsS.length : found;
    durations.counts[index] = (durations.counts[index] ?? 0) + 1;
    durations.sumS += durationS;
  }

  /** In Prometheus' text format. */
  render(): string {
    const lines = [`# HELP ${this.#name} ${this.#help}`, `# TYPE ${this.#name} histogram`];
    for (const [route, byStatus] of this.#byRoute) {
      for (const [status, durations] of byStatus) {
        lines.push(...this.#renderOne(`route="${route}",status="${status}"`, durations));
      }
    }
    return `${lines.join("\n")}\n`;
  }

  #renderOne(labels: string, { counts, sumS }: Durations): string[] {
    let count = 0;
    const buckets = [...this.#boundsS, "+Inf"].map((bound, index) => {
      count += counts[index] ?? 0;
      return `${this.#name}_bucket{le="${bound}",${labels}} ${count}`;
    });
    return [
      ...buckets,
      `${this.#name}_sum{${labels}} ${sumS}`,
      `${this.#name}_count{${labels}} ${count}`,
    ];
  }
}
