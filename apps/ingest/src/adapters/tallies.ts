/**
 * Counters that each request touches. `prom-client` hashes and checks the labels at every step, which
 * takes longer than all else that is done for a small request; so the sums are kept here and handed
 * over when somebody asks.
 */

interface Sum {
  readonly first: string;
  readonly second: string;
  value: number;
}

/** Sums by one or two labels. */
export class Tally {
  readonly #sums = new Map<string, Map<string, Sum>>();
  /** Most requests have the labels of the one before. */
  #last: Sum | null = null;

  add(first: string, second: string, value: number): void {
    const last = this.#last;
    const isSame = last !== null && last.first === first && last.second === second;
    const sum = isSame ? last : this.#find(first, second);
    sum.value += value;
  }

  /** Every sum with its labels. */
  *entries(): Generator<readonly [first: string, second: string, sum: number]> {
    for (const sums of this.#sums.values()) {
      for (const { first, second, value } of sums.values()) yield [first, second, value];
    }
  }

  #find(first: string, second: string): Sum {
    let sums = this.#sums.get(first);
    if (sums === undefined) {
      sums = new Map();
      this.#sums.set(first, sums);
    }
    let sum = sums.get(second);
    if (sum === undefined) {
      sum = { first, second, value: 0 };
      sums.set(second, sum);
    }
    this.#last = sum;
    return sum;
  }
}

interface Durations {
  readonly route: string;
  readonly status: number;
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
  /** Of the request before. */
  #last: Durations | null = null;

  constructor(name: string, help: string, boundsS: readonly number[]) {
    this.#name = name;
    this.#help = help;
    this.#boundsS = boundsS;
  }

  observe(route: string, status: number, durationS: number): void {
    const last = this.#last;
    const isSame = last !== null && last.route === route && last.status === status;
    const durations = isSame ? last : this.#find(route, status);
    const boundsS = this.#boundsS;
    let index = 0;
    while (index < boundsS.length && durationS > (boundsS[index] ?? 0)) index += 1;
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

  #find(route: string, status: number): Durations {
    let byStatus = this.#byRoute.get(route);
    if (byStatus === undefined) {
      byStatus = new Map();
      this.#byRoute.set(route, byStatus);
    }
    let durations = byStatus.get(status);
    if (durations === undefined) {
      const counts = new Float64Array(this.#boundsS.length + 1);
      durations = { route, status, counts, sumS: 0 };
      byStatus.set(status, durations);
    }
    this.#last = durations;
    return durations;
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
