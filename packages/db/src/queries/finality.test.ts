import { dayBounds } from "@trueclick/shared/calendar";
import { describe, expect, it } from "vitest";
import { finalityOf, leastFinal } from "./finality.ts";

const at = (iso: string) => Date.parse(iso);
const facts = {
  dayEndMs: at("2026-03-10T00:00:00Z"),
  settlingHours: 72,
  emptiness: "unknown",
} as const;
const closesAtMs = at("2026-03-13T00:00:00Z");
const first = { version: 1, publishedAtMs: at("2026-03-10T01:00:00Z") };

describe("finalityOf", () => {
  it.each([
    ["a day never counted for billing is live, however old", closesAtMs + 1e10, null, "live"],
    [
      "a day that still runs and was counted is settling",
      at("2026-03-09T12:00Z"),
      first,
      "settling",
    ],
    ["the last instant before the close is settling", closesAtMs - 1, first, "settling"],
    ["the close itself is closed", closesAtMs, first, "closed"],
    [
      "a second version before the close is no correction",
      closesAtMs,
      { version: 2, publishedAtMs: closesAtMs - 1 },
      "closed",
    ],
    [
      "a second version after the close is a correction",
      closesAtMs + 10,
      { version: 2, publishedAtMs: closesAtMs },
      "corrected",
    ],
    [
      "a first version after the close corrects nothing",
      closesAtMs + 10,
      { version: 1, publishedAtMs: closesAtMs + 5 },
      "closed",
    ],
  ] as const)("%s", (_guarantee, nowMs, current, finality) => {
    expect(finalityOf({ ...facts, nowMs, current })).toBe(finality);
  });

  it.each([
    ["the close", closesAtMs, null, "shown", "closed"],
    ["a time before the close, as it was put off later", closesAtMs - 1, null, "shown", "settling"],
    ["a first count of the same nothing", closesAtMs + 10, closesAtMs + 5, "shown", "closed"],
    ["a first count that found events", closesAtMs + 10, closesAtMs + 5, "refuted", "corrected"],
  ] as const)(
    "says of a day that was said to be empty, at %s",
    (_at, nowMs, counted, emptiness, finality) => {
      const current = counted === null ? null : { version: 1, publishedAtMs: counted };
      expect(finalityOf({ ...facts, nowMs, current, emptiness })).toBe(finality);
    },
  );

  // Settling is a span of hours after local midnight: a clock change inside it does not move it.
  it("counts the settling hours from the end of a day of 25 hours", () => {
    const { toMs } = dayBounds("2026-10-25", "Europe/Berlin");
    expect(toMs).toBe(at("2026-10-25T23:00:00Z"));
    const day = { dayEndMs: toMs, settlingHours: 1, current: first, emptiness: "unknown" } as const;
    expect(finalityOf({ ...day, nowMs: at("2026-10-25T23:59:59.999Z") })).toBe("settling");
    expect(finalityOf({ ...day, nowMs: at("2026-10-26T00:00:00Z") })).toBe("closed");
  });
});

describe("leastFinal", () => {
  it.each([
    ["one live day makes a range live", ["closed", "live", "settling"], "live"],
    ["one settling day makes a range settling", ["closed", "settling", "corrected"], "settling"],
    ["a correction shows among closed days", ["closed", "corrected", "closed"], "corrected"],
    ["all closed is closed", ["closed", "closed"], "closed"],
    ["no day at all is live: nothing vouches for it", [], "live"],
  ] as const)("%s", (_guarantee, days, finality) => {
    expect(leastFinal(days)).toBe(finality);
  });
});
