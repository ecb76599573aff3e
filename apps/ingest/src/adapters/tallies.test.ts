import { expect, it } from "vitest";
import { DurationHistogram, Tally } from "./tallies.ts";

it("adds up by its labels", () => {
  const tally = new Tally();
  tally.add("src_1", "bad_json", 1);
  tally.add("src_1", "too_old", 2);
  tally.add("src_1", "bad_json", 3);
  tally.add("src_2", "bad_json", 1);
  expect([...tally.entries()]).toEqual([
    ["src_1", "bad_json", 4],
    ["src_1", "too_old", 2],
    ["src_2", "bad_json", 1],
  ]);
});

it("adds to the labels it is told, whatever was added to before", () => {
  const tally = new Tally();
  for (const [first, second] of [
    ["", ""],
    ["a", "x"],
    ["a", "x"],
    ["a", "y"],
    ["b", "y"],
    ["a", "y"],
  ] as const) {
    tally.add(first, second, 1);
  }
  expect([...tally.entries()]).toEqual([
    ["", "", 1],
    ["a", "x", 2],
    ["a", "y", 2],
    ["b", "y", 1],
  ]);
});

it("tells durations apart by route and by status", () => {
  const histogram = new DurationHistogram("took_seconds", "How long.", []);
  histogram.observe("/a", 200, 1);
  histogram.observe("/a", 503, 2);
  histogram.observe("/b", 503, 4);
  histogram.observe("/a", 200, 8);
  expect(histogram.render().match(/_sum.*/g)).toEqual([
    '_sum{route="/a",status="200"} 9',
    '_sum{route="/a",status="503"} 2',
    '_sum{route="/b",status="503"} 4',
  ]);
});

it("counts durations in buckets that each hold those of the shorter ones", () => {
  const histogram = new DurationHistogram("took_seconds", "How long.", [0.1, 1]);
  for (const durationS of [0.05, 0.1, 0.5, 7]) histogram.observe("/v1/events", 202, durationS);
  histogram.observe("/healthz", 200, 0.5);
  expect(histogram.render().split("\n")).toEqual([
    "# HELP took_seconds How long.",
    "# TYPE took_seconds histogram",
    'took_seconds_bucket{le="0.1",route="/v1/events",status="202"} 2',
    'took_seconds_bucket{le="1",route="/v1/events",status="202"} 3',
    'took_seconds_bucket{le="+Inf",route="/v1/events",status="202"} 4',
    'took_seconds_sum{route="/v1/events",status="202"} 7.65',
    'took_seconds_count{route="/v1/events",status="202"} 4',
    'took_seconds_bucket{le="0.1",route="/healthz",status="200"} 0',
    'took_seconds_bucket{le="1",route="/healthz",status="200"} 1',
    'took_seconds_bucket{le="+Inf",route="/healthz",status="200"} 1',
    'took_seconds_sum{route="/healthz",status="200"} 0.5',
    'took_seconds_count{route="/healthz",status="200"} 1',
    "",
  ]);
});
