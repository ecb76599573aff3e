import fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { AppendQueue, type AppendQueueOptions } from "./appendQueue.ts";
import { type AppendedRecord, LogRejectedError, LogUnavailableError } from "./port.ts";

/** A write that ends when the test says so. */
interface HeldWrite {
  readonly values: readonly string[];
  succeed(): void;
  fail(error: Error): void;
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function createQueue(limits: Partial<AppendQueueOptions<string>> = {}) {
  const writes: HeldWrite[] = [];
  const log: string[] = [];
  const queue = new AppendQueue<string>({
    write: (values) =>
      new Promise<readonly AppendedRecord[]>((resolve, reject) => {
        const succeed = () => {
          resolve(values.map((value) => ({ partition: 0, offset: BigInt(log.push(value) - 1) })));
        };
        writes.push({ values, succeed, fail: reject });
      }),
    bytesOf: (value) => value.length,
    writeBytesMax: 10,
    writeRecordsMax: 3,
    writesInFlightMax: 1,
    pendingBytesMax: 100,
    timeoutMs: 1_000,
    ...limits,
  });
  return { queue, writes, log };
}

const outcome = (append: Promise<unknown>) =>
  append.then(
    () => "appended",
    (error: unknown) => (error instanceof Error ? error.constructor.name : "?"),
  );

it("writes at once, and sends what comes meanwhile together", async () => {
  const { queue, writes } = createQueue();
  const appends = ["a", "b", "c"].map((value) => queue.append([value]));
  expect(writes.map(({ values }) => values)).toEqual([["a"]]);

  writes[0]?.succeed();
  await appends[0];
  await vi.waitFor(() => expect(writes[1]?.values).toEqual(["b", "c"]));
  writes[1]?.succeed();
  expect(await Promise.all(appends)).toEqual(
    [0n, 1n, 2n].map((offset) => [{ partition: 0, offset }]),
  );
});

it("keeps a write within its limits, but never splits a call", async () => {
  const { queue, writes } = createQueue();
  void queue.append(["first"]);
  for (const call of [["aaaa", "bbbb"], ["cccc"], ["x", "x", "x", "x", "x"], ["y"]]) {
    void queue.append(call);
  }
  const expected = [["first"], ["aaaa", "bbbb"], ["cccc"], ["x", "x", "x", "x", "x"], ["y"]];
  for (const [index, values] of expected.entries()) {
    await vi.waitFor(() => expect(writes[index]?.values).toEqual(values));
    writes[index]?.succeed();
  }
});

it("refuses at once what would grow the queue beyond its limit", async () => {
  const { queue, writes } = createQueue({ pendingBytesMax: 8 });
  const fits = queue.append(["12345678"]);
  expect(await outcome(queue.append(["9"]))).toBe("LogUnavailableError");
  writes[0]?.succeed();
  await fits;

  const next = queue.append(["9"]);
  await vi.waitFor(() => expect(writes).toHaveLength(2));
  writes[1]?.succeed();
  expect(await outcome(next)).toBe("appended");
});

it("gives up what takes too long, and does not send what was only waiting", async () => {
  const { queue, writes } = createQueue();
  const outcomes = [outcome(queue.append(["stuck"])), outcome(queue.append(["waiting"]))];
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await Promise.all(outcomes)).toEqual(["LogUnavailableError", "LogUnavailableError"]);

  const later = queue.append(["later"]);
  writes[0]?.succeed();
  await vi.waitFor(() => expect(writes[1]?.values).toEqual(["later"]));
  writes[1]?.succeed();
  expect(await outcome(later)).toBe("appended");
});

// One caller's oversized record must not refuse the events of all who happened to be beside it:
// refused means that nobody tries again.
it("lets only the call that is refused fail", async () => {
  const { queue, writes, log } = createQueue();
  const outcomes = ["busy", "ok", "bad", "fine"].map((value) => outcome(queue.append([value])));
  writes[0]?.succeed();
  await vi.waitFor(() => expect(writes[1]?.values).toEqual(["ok", "bad", "fine"]));
  writes[1]?.fail(new LogRejectedError("too large"));
  for (const index of [2, 3, 4]) {
    await vi.waitFor(() => expect(writes[index]).toBeDefined());
    if (writes[index]?.values[0] === "bad") writes[index].fail(new LogRejectedError("too large"));
    else writes[index]?.succeed();
  }
  expect(await Promise.all(outcomes)).toEqual([
    "appended",
    "appended",
    "LogRejectedError",
    "appended",
  ]);
  expect(log).toEqual(["busy", "ok", "fine"]);
});

it("ends what was begun when closed, and takes nothing more", async () => {
  const { queue, writes } = createQueue();
  const begun = outcome(queue.append(["begun"]));
  const closed = queue.close();
  expect(await outcome(queue.append(["late"]))).toBe("LogUnavailableError");
  writes[0]?.succeed();
  await closed;
  expect(await begun).toBe("appended");
  await queue.close();
});

// Whatever fails when: every call is answered exactly once, an acked one is in the log in one piece,
// in the order of the calls where one write follows the other.
it("answers every call, and truthfully", async () => {
  const calls = fc.array(fc.array(fc.string({ maxLength: 6 }), { minLength: 1, maxLength: 5 }), {
    maxLength: 20,
  });
  const faults = fc.array(fc.boolean(), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(calls, faults, async (batches, fails) => {
      const written: (readonly string[])[] = [];
      let writeCount = 0;
      let length = 0n;
      const queue = new AppendQueue<string>({
        write: async (values) => {
          await Promise.resolve();
          writeCount += 1;
          if (fails[writeCount - 1] === true) throw new LogUnavailableError("down");
          written.push(values);
          return values.map(() => ({ partition: 0, offset: length++ }));
        },
        bytesOf: (value) => value.length,
        writeBytesMax: 12,
        writeRecordsMax: 6,
        writesInFlightMax: 1,
        pendingBytesMax: 1_000_000,
        timeoutMs: 60_000,
      });
      const settled = await Promise.allSettled(batches.map((batch) => queue.append(batch)));
      await queue.close();

      const log = written.flat();
      let before = -1n;
      for (const [index, result] of settled.entries()) {
        if (result.status === "rejected") {
          expect(result.reason).toBeInstanceOf(LogUnavailableError);
          continue;
        }
        const offsets = result.value.map(({ offset }) => offset);
        expect(offsets.map((offset) => log[Number(offset)])).toEqual(batches[index]);
        for (const offset of offsets) {
          expect(offset).toBeGreaterThan(before);
          before = offset;
        }
      }
    }),
  );
});
