import { expect, it } from "vitest";
import { type ClickSeriesOptions, prepareClickSeries } from "./prepareClickSeries.ts";

const buckets = [0, 60, 120, 180].map((startMs) => ({ startMs, endMs: startMs + 60 }));
const options: ClickSeriesOptions = {
  finalUntilMs: 120,
  counted: { fromMs: 0, toMs: 150 },
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

it("keeps a bucket that is half counted: it is provisional, not missing", () => {
  const early = { ...options, counted: { fromMs: 100, toMs: 130 } };
  const points = prepareClickSeries(buckets, clicks, [], early);
  expect(points.map((point) => point.clicks)).toEqual([null, 0, 2, null]);
});

it("lays the previous period under the present one bucket by bucket", () => {
  const points = prepareClickSeries(buckets, clicks, [9, null], options);
  expect(points.map((point) => point.previous)).toEqual([9, null, null, null]);
});

it("ends the solid line at the last bucket when all of them are final", () => {
  const points = prepareClickSeries(buckets, clicks, [], { ...options, finalUntilMs: 240 });
  expect(points.every((point) => point.provisional === null)).toBe(true);
});
