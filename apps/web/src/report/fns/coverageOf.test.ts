import { expect, it } from "vitest";
import { coverageOf, isFullyCounted } from "./coverageOf.ts";

const account = { timeZone: "Europe/Berlin", settlingHours: 72 };
const hourFrom = (time: string) => {
  const startMs = Date.parse(time);
  return { startMs, endMs: startMs + 3_600_000 };
};

it("counts live figures up to the answer and calls them final behind the last late click", () => {
  const coverage = coverageOf(
    { mode: "dashboard", as_of: "2026-03-10T12:00:00Z", watermark: "2026-03-10T11:49:00Z" },
    account,
  );
  expect(coverage.finalUntilMs).toBe(Date.parse("2026-03-10T11:49:00Z"));
  expect(coverage.isCounted(hourFrom("2026-03-10T11:30:00Z"))).toBe(true);
  expect(coverage.isCounted(hourFrom("2026-03-10T12:00:00Z"))).toBe(false);
});

it("calls no live figure final while the stream has seen nothing", () => {
  const meta = { mode: "dashboard", as_of: "2026-03-10T12:00:00Z", watermark: null } as const;
  expect(coverageOf(meta, account).finalUntilMs).toBe(0);
});

it("leaves a gap where a day was never counted for billing", () => {
  const coverage = coverageOf(
    {
      mode: "billing",
      as_of: "2026-03-10T12:00:00Z",
      watermark: null,
      versions: [{ day: "2026-03-09" }],
    },
    account,
  );
  expect(coverage.isCounted(hourFrom("2026-03-09T22:30:00Z"))).toBe(true);
  expect(coverage.isCounted(hourFrom("2026-03-09T23:00:00Z"))).toBe(false);
});

it("calls billing figures final once the whole day has settled, in the account's zone", () => {
  const meta = { mode: "billing", as_of: "2026-03-10T12:00:00Z", watermark: null } as const;
  expect(coverageOf(meta, account).finalUntilMs).toBe(Date.parse("2026-03-06T23:00:00Z"));
});

it("takes a period of which a day was never counted for no measure of another", () => {
  const meta = { mode: "billing", as_of: "2026-03-10T12:00:00Z", watermark: null } as const;
  const frame = {
    account,
    fromMs: Date.parse("2026-03-07T23:00:00Z"),
    toMs: Date.parse("2026-03-09T23:00:00Z"),
  };
  const [first, second] = [{ day: "2026-03-08" }, { day: "2026-03-09" }];
  expect(isFullyCounted({ ...meta, versions: [first, second] }, frame)).toBe(true);
  expect(isFullyCounted({ ...meta, versions: [second] }, frame)).toBe(false);
});
