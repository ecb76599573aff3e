import type { UnexplainedDrift } from "@trueclick/db/queries/driftWatch";
import { Registry } from "prom-client";
import { expect, it, vi } from "vitest";
import { watchDrift } from "./watchDrift.ts";

const none: UnexplainedDrift = {
  clicks: 0,
  places: 0,
  sinceMs: null,
  checkedMs: 5_000,
  largest: [],
};
const place = { advertiserId: "adv_1", campaignId: "c1", hourMs: 0, unexplained: -3 };
const found: UnexplainedDrift = { ...none, clicks: 3, places: 1, sinceMs: 4_000, largest: [place] };

// I8: `unexplained` is 0, and alarms when it is not.
it("alarms by a metric and one error where a difference has no cause, and ends when it has one", async () => {
  const registry = new Registry();
  const [warn, error] = [vi.fn(), vi.fn()];
  const stop = new AbortController();
  const metrics: string[] = [];
  const answers = [none, found, found, new Error("Postgres is away"), none];
  await watchDrift(
    {
      look: () => Promise.resolve(),
      async read() {
        metrics.push(await registry.metrics());
        const answer = answers.shift() ?? none;
        if (answers.length === 0) stop.abort();
        if (answer instanceof Error) throw answer;
        return answer;
      },
      registry,
      logger: { warn, error },
      intervalMs: 1,
    },
    stop.signal,
  );
  metrics.push(await registry.metrics());
  const values = metrics.map(
    (text) => /^trueclick_drift_unexplained_clicks (\d+)$/m.exec(text)?.[1],
  );
  expect(values).toEqual(["0", "0", "3", "3", "3", "0"]);
  expect(metrics[2]).toContain("trueclick_drift_unexplained_places 1");
  expect(metrics[2]).toContain("trueclick_drift_checked_timestamp_seconds 5");
  expect(error).toHaveBeenCalledExactlyOnceWith(
    { clicks: 3, places: 1, largest: [place] },
    expect.any(String),
  );
  expect(warn).toHaveBeenCalledOnce();
});

it("tells of what was found before where it cannot look itself", async () => {
  const registry = new Registry();
  const stop = new AbortController();
  await watchDrift(
    {
      look: () => Promise.reject(new Error("ClickHouse is away")),
      read() {
        stop.abort();
        return Promise.resolve(found);
      },
      registry,
      logger: { warn: vi.fn(), error: vi.fn() },
    },
    stop.signal,
  );
  expect(await registry.metrics()).toContain("trueclick_drift_unexplained_clicks 3");
});
