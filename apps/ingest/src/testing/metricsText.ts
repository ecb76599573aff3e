/** Sums the samples of one metric in Prometheus' text format, by the value of one label. */
export function sumByLabel(text: string, metric: string, label: string): Map<string, number> {
  const sums = new Map<string, number>();
  for (const line of text.split("\n")) {
    const match = /^(\w+)\{(.*)\} (\S+)$/.exec(line);
    if (match?.[1] !== metric) continue;
    const value = new RegExp(`(?:^|,)${label}="([^"]*)"`).exec(match[2] ?? "")?.[1] ?? "";
    sums.set(value, (sums.get(value) ?? 0) + Number(match[3]));
  }
  return sums;
}

/** The sample of a metric without labels; NaN where there is none. */
export function sampleOf(text: string, metric: string): number {
  const line = text.split("\n").find((each) => each.startsWith(`${metric} `));
  return Number(line?.slice(metric.length));
}
