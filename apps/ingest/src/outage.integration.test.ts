/** The edge while its log is frozen, gone or slow: both logs, as real servers that are really so. */
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { readiness } from "./testing/edgeOnPostgres.ts";
import type { EdgeProcess } from "./testing/edgeProcess.ts";
import { faultPlan, randomOf } from "./testing/faultPlan.ts";
import { Load } from "./testing/load.ts";
import { sampleOf } from "./testing/metricsText.ts";
import { kafkaMissing, kafkaOfOwn, postgresOfOwn } from "./testing/ownLogs.ts";
import { storedEventIds } from "./testing/storedRecords.ts";

const WAIT = { timeout: 120_000, interval: 100 };
const SPOOL_AFTER_MS = 200;
/** How long an append may take until the log's client gives it up. */
const LOG_GIVES_UP_MS = 10_000;

const LOGS = [
  { name: "postgres", missing: null, open: postgresOfOwn },
  { name: "kafka", missing: kafkaMissing, open: kafkaOfOwn },
];
const titled = LOGS.map((log) => {
  const title = log.missing === null ? log.name : `${log.name} (SKIPPED: ${log.missing})`;
  return [title, log] as const;
});

// Side by side: most of it is waiting for a log that is away.
describe.concurrent.each(titled)(
  "a log that does not answer: %s",
  (_title, { name, missing, open }) => {
    let own: Awaited<ReturnType<typeof open>>;
    let edge: EdgeProcess;
    let load: Load;
    let loads = 0;

    beforeAll(async () => {
      if (missing === null) own = await open();
    });
    afterAll(() => own?.end());

    const spooled = async (word: string) => {
      const text = await (await fetch(`${edge.url}/metrics`)).text();
      return sampleOf(text, `trueclick_edge_spool_${word}`);
    };

    beforeEach(async () => {
      if (missing !== null) return;
      const settings = { SPOOL_DIR: join(own.world.folder, "spool"), LOG_LEVEL: "info" };
      edge = await own.world.start({ ...settings, SPOOL_AFTER_MS: String(SPOOL_AFTER_MS) });
      const isWell = { status: 200, body: { checks: { log: "ok" } } };
      await vi.waitFor(async () => expect(await readiness(edge)).toMatchObject(isWell), WAIT);
      loads += 1;
      load = new Load(edge.url, {
        name: `${name}.${loads}`,
        ...{ senders: 4, batchEventsMax: 5, pauseMs: 20 },
        random: randomOf(faultPlan.seed),
      });
      await vi.waitFor(() => expect(load.acked.size).toBeGreaterThan(100), WAIT);
    });
    afterEach(async () => {
      await load?.stop();
      await edge?.end("SIGKILL");
    });

    /** All that was acked is in the log, and nothing is left in the spool. */
    async function expectAllArrived(): Promise<void> {
      await load.stop();
      await vi.waitFor(async () => expect(await spooled("records")).toBe(0), WAIT);
      const stored = await storedEventIds(own.log, "clicks.raw");
      expect([...load.acked].filter((id) => !stored.has(id))).toEqual([]);
    }

    describe.skipIf(missing !== null)("the edge", { concurrent: false }, () => {
      const outages = [
        ["frozen", () => own.freeze(), () => own.thaw()],
        ["gone", () => own.stop(), () => own.restart()],
      ] as const;
      it.each(outages)(
        "acks all the time, keeps it all and drains by itself when the log is %s and comes back",
        async (_how, takeAway, giveBack) => {
          await takeAway();
          const ackedBefore = load.acked.size;
          const answersBefore = load.answers.length;
          await wait(faultPlan.outageMs);
          // A slow machine may take longer; what counts is that the log is still away.
          const ackedMeanwhile = () => load.acked.size - ackedBefore;
          await vi.waitFor(() => expect(ackedMeanwhile()).toBeGreaterThan(50), WAIT);
          const state = await readiness(edge);
          const meanwhile = load.answers.slice(answersBefore);
          await giveBack();
          expect(state).toMatchObject({ status: 200, body: { checks: { log: "spooling" } } });
          await expectAllArrived();
          expect(await spooled("spooled_records_total")).toBeGreaterThan(0);
          expect([...load.statuses()]).toEqual([202]);
          // Only the first had to find out; the others did not wait for a log that is away.
          const durations = meanwhile.map(({ durationMs }) => durationMs).sort((a, b) => a - b);
          expect(durations[durations.length >> 1]).toBeLessThan(LOG_GIVES_UP_MS / 2);
        },
        faultPlan.timeoutMs,
      );

      it(
        "acks from the spool what a slow log would hold up, and drains while it is still slow",
        async () => {
          own.slowDown();
          await wait(faultPlan.outageMs / 2);
          await expectAllArrived();
          own.speedUp();
          expect(await spooled("spooled_records_total")).toBeGreaterThan(0);
          expect([...load.statuses()]).toEqual([202]);
        },
        faultPlan.timeoutMs,
      );

      it(
        "stops in good order while the log is frozen, and the next process drains the rest",
        async () => {
          await own.freeze();
          await wait(faultPlan.outageMs / 2);
          const code = await edge.end("SIGTERM");
          await load.stop();
          await own.thaw();
          expect(code).toBe(0);
          // Two lines of one moment may be written in either order.
          expect(edge.lines.join("\n")).toContain('"stopped"');
          const settings = { SPOOL_DIR: join(own.world.folder, "spool"), LOG_LEVEL: "info" };
          edge = await own.world.start(settings);
          await expectAllArrived();
        },
        faultPlan.timeoutMs,
      );
    });
  },
);
