import { expect, it } from "vitest";
import { type ClickSeriesOptions, prepareClickSeries } from "./prepareClickSeries.ts";

const buckets = [0, 60, 120, 180].map((startMs) => ({ startMs, endMs: startMs + 60 }));
const options: ClickSeriesOptions = {
  coverage: { finalUntilMs: 120, isCounted: (bucket) => bucket.startMs < 150 },
  formatLabel: (startMs) => `at ${startMs}`,
  formatTitle: ({ startMs, endMs }) => `${startMs} to ${endMs}`,
};
const clicks = new Map([
  [0, 5],
  [120, 2],
]);

it("draws solid what is final and dashed what may still grow, joined at one point", () => {
  const points = prepareClickSeries(buckets, clicks, [], options);
  expect(points.map((point) => point.final)).toEqual([5, 0, null, null]);
  expect(points.map((point) => point.provisional)).toEqual([null, 0, 2, null]);
});

it("leaves a gap where nothing has been counted, and a zero where nobody clicked", () => {
  const points = prepareClickSeries(buckets, clicks, [], options);
  expect(points.map((point) => point.clicks)).toEqual([5, 0, 2, null]);
});

it("lays the previous period under the present one bucket by bucket", () => {
  const points = prepareClickSeries(buckets, clicks, [9, null], options);
  expect(points.map((point) => point.previous)).toEqual([9, null, null, null]);
});

it("ends the solid line at the last bucket when all of them are final", () => {
  const coverage = { ...options.coverage, finalUntilMs: 240 };
  const points = prepareClickSeries(buckets, clicks, [], { ...options, coverage });
  expect(points.every((point) => point.provisional === null)).toBe(true);
});
