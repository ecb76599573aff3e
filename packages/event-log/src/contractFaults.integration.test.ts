/** What is left of the log when a process is killed, on engines of its own for each adapter. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  type AppendedRecord,
  type EventLogAppender,
  type EventLogReader,
  LogUnavailableError,
} from "./port.ts";
import {
  type KillableLog,
  kafkaAdapter,
  openLog,
  postgresAdapter,
  titleOf,
} from "./testing/adapters.ts";
import { drain } from "./testing/drain.ts";

const never = new AbortController().signal;
/** The adapters' own limit, and as much again for a busy machine: nobody waits for a log that is down. */
const OUTAGE_NOTICED_WITHIN_MS = 25_000;

/** Of a writer that gives up long before the log does, milliseconds. */
const HASTY_MS = 500;
const PATIENCE = { timeout: 120_000 };

const text = (partition: number, value: string) => ({ partition, value: Buffer.from(value) });
const toText = (record: { readonly value: Buffer }) => record.value.toString();

interface Acked {
  readonly at: AppendedRecord;
  readonly value: string;
}

/** Every ack must be found where it said, and no offset may hold two records. */
async function expectAllFound(reader: EventLogReader, acked: readonly Acked[]): Promise<void> {
  const found = new Map<string, string>();
  for (let partition = 0; partition < reader.partitionCount; partition += 1) {
    // A log that has just come back may still be choosing who leads.
    const records = await vi.waitFor(() => drain(reader, partition), PATIENCE);
    expect(new Set(records.map(({ offset }) => offset)).size).toBe(records.length);
    for (const record of records) found.set(`${partition}:${record.offset}`, toText(record));
  }
  const lost = acked.filter(({ at, value }) => found.get(`${at.partition}:${at.offset}`) !== value);
  expect(lost).toEqual([]);
}

describe.each(
  [postgresAdapter, kafkaAdapter].map((adapter) => [titleOf(adapter), adapter] as const),
)("event log, killed: %s", (_title, adapter) => {
  let under: KillableLog;
  const opened: (EventLogAppender | EventLogReader)[] = [];

  async function openTopic(topic: string) {
    await under.log.admin().ensureTopic(topic, { partitionCount: 2, retentionMs: null });
    const appender = await under.log.appender(topic);
    const reader = await under.log.reader(topic);
    opened.push(appender, reader);
    return { appender, reader };
  }

  beforeAll(async () => {
    if (adapter.missing === null) under = await adapter.openKillable();
  });
  afterAll(async () => {
    await Promise.all(opened.map((part) => part.close()));
    await under?.close();
  });

  describe.skipIf(adapter.missing !== null)("contract", () => {
    it("keeps what it acked when the log is killed, and the same appender goes on", async () => {
      const { appender, reader } = await openTopic("log-killed");
      const acked: Acked[] = [];
      let restarted = false;
      let ackedAfterRestart = 0;
      const tryAppend = async (partition: number, value: string): Promise<Acked[]> => {
        try {
          const appended = await appender.append([text(partition, value)]);
          return appended.map((at) => ({ at, value }));
        } catch (error) {
          expect(error).toBeInstanceOf(LogUnavailableError);
          return [];
        }
      };
      const appendOn = async (name: number) => {
        for (let index = 0; ackedAfterRestart < 40; index += 1) {
          const isAfterRestart = restarted;
          const acks = await tryAppend(name % 2, `${name}:${index}`);
          acked.push(...acks);
          if (isAfterRestart) ackedAfterRestart += acks.length;
        }
      };
      const appending = Promise.all([0, 1, 2, 3].map(appendOn));
      await vi.waitFor(() => expect(acked.length).toBeGreaterThan(50), PATIENCE);
      await under.kill9();
      await under.restart();
      restarted = true;
      await appending;

      await expectAllFound(reader, acked);
    });

    // A log that was frozen does afterwards what it was asked before, when the asker has given up.
    it("keeps what it acked through freezes, a stop and a kill, to writers in a hurry", async () => {
      const { reader } = await openTopic("log-harmed");
      const appender = await openLog(under.address, HASTY_MS).appender("log-harmed");
      opened.push(appender);
      const acked: Acked[] = [];
      let failures = 0;
      let isOver = false;
      const appendOn = async (name: number) => {
        for (let index = 0; !isOver; index += 1) {
          const value = `${name}:${index}`;
          try {
            const appended = await appender.append([text(name % 2, value), text(0, value)]);
            acked.push(...appended.map((at) => ({ at, value })));
          } catch (error) {
            expect(error).toBeInstanceOf(LogUnavailableError);
            failures += 1;
            await wait(5);
          }
        }
      };
      const appending = Promise.all([0, 1, 2, 3].map(appendOn));
      const freeze = async () => {
        await under.freeze();
        await wait(3 * HASTY_MS);
        await under.thaw();
      };
      const harms = [freeze, () => under.stop().then(under.restart), freeze];
      for (const harm of [...harms, () => under.kill9().then(under.restart)]) {
        const [ackedBefore, failuresBefore] = [acked.length, failures];
        await vi.waitFor(() => expect(acked.length).toBeGreaterThan(ackedBefore + 40), PATIENCE);
        await harm();
        expect(failures).toBeGreaterThan(failuresBefore);
      }
      const ackedBefore = acked.length;
      await vi.waitFor(() => expect(acked.length).toBeGreaterThan(ackedBefore + 40), PATIENCE);
      isOver = true;
      await appending;

      await expectAllFound(reader, acked);
    }, 300_000);

    it("says within seconds that it is down, and recovers by itself", async () => {
      const { appender, reader } = await openTopic("log-down");
      await appender.append([text(0, "before")]);
      await drain(reader, 0);
      const request = { partition: 0, fromOffset: 1n, recordsMax: 10, signal: never };
      const waiting = reader.read({ ...request, waitMs: 60_000 }).catch((error: unknown) => error);

      await under.kill9();
      const startMs = performance.now();
      const refusals = [
        appender.append([text(0, "down")]),
        reader.read({ ...request, waitMs: 1_000 }),
        reader.offsets(0),
        under.log.reader("log-down"),
        under.log.appender("log-down"),
        under.log.admin().ensureTopic("log-down", { partitionCount: 2, retentionMs: null }),
      ];
      for (const refusal of await Promise.allSettled(refusals)) {
        expect(refusal).toMatchObject({ reason: expect.any(LogUnavailableError) });
      }
      expect(await waiting).toBeInstanceOf(LogUnavailableError);
      expect(performance.now() - startMs).toBeLessThan(OUTAGE_NOTICED_WITHIN_MS);

      await under.restart();
      await vi.waitFor(() => appender.append([text(0, "after")]), PATIENCE);
      const seen = await vi.waitFor(() => drain(reader, 0), PATIENCE);
      expect(toText(seen[0] ?? text(0, ""))).toBe("before");
      expect(seen.map(toText)).toContain("after");
    });

    it("does not wait for ever for somebody who takes the call and says nothing", async () => {
      const silent = createServer(() => undefined).listen(0, "127.0.0.1");
      await once(silent, "listening");
      const address = silent.address();
      const host = `127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
      const at = adapter.name === "postgres" ? `postgres://user@${host}/db` : host;
      const log = openLog({ ...under.address, at });
      const startMs = performance.now();
      const attempts = [log.reader("t"), log.appender("t")];
      for (const attempt of await Promise.allSettled(attempts)) {
        expect(attempt).toMatchObject({ reason: expect.any(LogUnavailableError) });
      }
      expect(performance.now() - startMs).toBeLessThan(OUTAGE_NOTICED_WITHIN_MS);
      silent.close();
    });

    it("keeps what a killed appender was told, and holds nothing back after it", async () => {
      const { appender, reader } = await openTopic("appender-killed");
      const { adapter: name, at } = under.address;
      const program = fileURLToPath(import.meta.resolve("./testing/appendUntilKilled.ts"));
      const child: ChildProcess = spawn(process.execPath, [program, name, at, "appender-killed"], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const acked: Acked[] = [];
      if (child.stdout === null) throw new Error("The program's output is not piped");
      createInterface({ input: child.stdout }).on("line", (line) => {
        const [offset = "", value = ""] = line.split(" ");
        acked.push({ at: { partition: 0, offset: BigInt(offset) }, value });
        if (acked.length === 100) child.kill("SIGKILL");
      });
      await once(child, "close");
      expect(acked.length).toBeGreaterThanOrEqual(100);

      const [next] = await appender.append([text(0, "next")]);
      expect(next?.offset).toBeGreaterThan(acked.at(-1)?.at.offset ?? 0n);
      await expectAllFound(reader, acked);
    });
  });
});
