import { BLOCK_EVENTS_MAX, blockLines } from "@trueclick/shared/event/block";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Block } from "../domain/blocks.ts";
import { type EventSink, SinkUnavailableError } from "../ports/eventSink.ts";
import { GroupedEventSink } from "./groupedEventSink.ts";

/** A log whose appends end when the test says so. */
class GatedSink implements EventSink {
  readonly appends: {
    readonly blocks: readonly Block[];
    readonly gate: PromiseWithResolvers<void>;
    readonly onRead: (() => void) | undefined;
  }[] = [];

  partitionCount(): number {
    return 4;
  }

  async append(blocks: readonly Block[], onRead?: () => void): Promise<void> {
    const gate = Promise.withResolvers<void>();
    this.appends.push({ blocks, gate, onRead });
    await gate.promise;
  }

  async ping(): Promise<void> {}
}

function block(partition: number, ...lines: readonly string[]): Block {
  return { partition, partitionCount: 4, value: Buffer.from(lines.join("\n")) };
}

/** As much as makes a second append worth it. */
const large = (partition: number, name: string) => block(partition, name.repeat(65_536));

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const textOf = (blocks: readonly Block[] = []) =>
  blocks.map(({ partition, value }) => `${partition}: ${value.toString().replaceAll("\n", " ")}`);

/** As lines, as requests append them, or as blocks where there are many. */
function appendEither(grouped: GroupedEventSink, blocks: readonly Block[]): Promise<void> {
  if (blocks.length > 2) return grouped.append(blocks);
  const bytes = Buffer.concat(blocks.map(({ value }) => value));
  let end = 0;
  const lines = blocks.flatMap(({ partition, value }) =>
    blockLines(value).map((line, index) => {
      const start = end + (index === 0 ? 0 : 1);
      end = start + line.length;
      return { partition, start, end };
    }),
  );
  return grouped.appendLines(bytes, lines, 4);
}

describe("GroupedEventSink", () => {
  it("appends the requests of one moment together, one block a partition", async () => {
    const sink = new GatedSink();
    const grouped = new GroupedEventSink(sink, 1_048_576);
    const all = [block(0, "a"), block(1, "b", "c"), block(0, "d")].map((one) =>
      grouped.append([one]),
    );
    await turn();
    expect(sink.appends.map(({ blocks }) => textOf(blocks))).toEqual([["0: a d", "1: b c"]]);
    sink.appends[0]?.gate.resolve();
    await Promise.all(all);
  });

  it("gathers small requests while one append is under way, until they are worth a second", async () => {
    const sink = new GatedSink();
    const grouped = new GroupedEventSink(sink, 1_048_576);
    const calls = [grouped.append([block(0, "a")])];
    await turn();
    calls.push(grouped.append([block(1, "b")]), grouped.append([block(1, "c")]));
    await turn();
    expect(sink.appends.map(({ blocks }) => textOf(blocks))).toEqual([["0: a"]]);
    calls.push(grouped.append([large(2, "d")]));
    await turn();
    const d = `2: ${"d".repeat(65_536)}`;
    expect(sink.appends.map(({ blocks }) => textOf(blocks))).toEqual([["0: a"], ["1: b c", d]]);
    calls.push(grouped.append([block(3, "e")]));
    await turn();
    sink.appends[1]?.gate.resolve();
    await turn();
    // "e" is small and the first append is not done.
    expect(sink.appends.length).toBe(2);
    sink.appends[0]?.gate.resolve();
    await expect.poll(() => sink.appends.length).toBe(3);
    expect(textOf(sink.appends[2]?.blocks)).toEqual(["3: e"]);
    sink.appends[2]?.gate.resolve();
    await Promise.all(calls);
  });

  // Begun for the first request that comes, the second append would be that one alone, and those
  // behind it would wait for both.
  it("begins a second append once as much is gathered as is under way", async () => {
    const sink = new GatedSink();
    const grouped = new GroupedEventSink(sink, 1_048_576);
    const append = (name: string) => grouped.append([large(0, name)]);
    const calls = [append("a"), append("b"), append("c")];
    await turn();
    calls.push(append("d"), append("e"));
    await turn();
    expect(sink.appends.length).toBe(1);
    calls.push(append("f"));
    await turn();
    const sizes = () => sink.appends.map(({ blocks }) => blocks.length);
    expect(sizes()).toEqual([3, 3]);
    // The first is done: what is under way now is the second.
    calls.push(append("g"), append("h"));
    sink.appends[0]?.gate.resolve();
    await Promise.all(calls.slice(0, 3));
    expect(sizes()).toEqual([3, 3]);
    calls.push(append("i"));
    await turn();
    expect(sizes()).toEqual([3, 3, 3]);
    calls.push(append("j"));
    sink.appends[1]?.gate.resolve();
    sink.appends[2]?.gate.resolve();
    await expect.poll(sizes).toEqual([3, 3, 3, 1]);
    sink.appends[3]?.gate.resolve();
    await Promise.all(calls);
  });

  it("gathers what comes while two appends are under way, and answers once the next has begun", async () => {
    const sink = new GatedSink();
    const grouped = new GroupedEventSink(sink, 1_048_576);
    const answered: string[] = [];
    const append = (name: string) =>
      grouped
        .append([large(0, name)])
        .then(() => answered.push(`${name} after ${sink.appends.length} appends`));
    const calls = [append("a")];
    await turn();
    calls.push(append("b"));
    await turn();
    calls.push(append("c"), append("d"));
    await turn();
    const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => `0: ${name.repeat(65_536)}`);
    expect(sink.appends.map(({ blocks }) => textOf(blocks))).toEqual([[a], [b]]);
    sink.appends[1]?.gate.resolve();
    await expect.poll(() => sink.appends.length).toBe(3);
    expect(textOf(sink.appends[2]?.blocks)).toEqual([c, d]);
    await expect.poll(() => answered).toEqual(["b after 3 appends"]);
    sink.appends[2]?.gate.resolve();
    sink.appends[0]?.gate.resolve();
    await Promise.all(calls);
    expect(answered.map(([name]) => name).sort()).toEqual(["a", "b", "c", "d"]);
  });

  it("copies lines at once, and sends those of a partition as one block", async () => {
    const sink = new GatedSink();
    const grouped = new GroupedEventSink(sink, 1_048_576);
    const bytes = Buffer.from("aabbb");
    const [aa, bbb] = [
      { partition: 2, start: 0, end: 2 },
      { partition: 2, start: 2, end: 5 },
    ];
    const calls = [
      grouped.appendLines(bytes, [aa, bbb], 4),
      grouped.appendLines(bytes, [{ ...bbb, partition: 5 }], 8),
      grouped.append([block(2, "c")]),
    ];
    bytes.fill("x");
    calls.push(grouped.appendLines(Buffer.from("dd"), [aa], 4));
    await turn();
    const sent = sink.appends.map(({ blocks }) => textOf(blocks).toSorted());
    expect(sent).toEqual([["2: aa bbb c", "2: dd", "5: bbb"]]);
    expect(sink.appends[0]?.blocks.map(({ partitionCount }) => partitionCount).sort()).toEqual([
      ...[4, 4, 8],
    ]);
    sink.appends[0]?.gate.resolve();
    await Promise.all(calls);
  });

  // The spool may still write blocks that the log was too slow for, or the log those that were spooled:
  // with the next request's lines in them, events would be lost, and others stored twice.
  it("uses the memory of blocks again once they are read, and not before", async () => {
    const sink = new GatedSink();
    const grouped = new GroupedEventSink(sink, 1_048_576);
    const append = async (letter: string, isRead: boolean) => {
      const lines = block(0, letter.repeat(9_000), letter.repeat(9_000));
      const call = appendEither(grouped, [lines]);
      await turn();
      const append = sink.appends.at(-1);
      if (isRead) append?.onRead?.();
      append?.gate.resolve();
      await call;
      return append?.blocks[0]?.value ?? Buffer.alloc(0);
    };
    const held = await append("a", false);
    const read = await append("b", true);
    expect(read.buffer).not.toBe(held.buffer);
    const after = await append("c", true);
    expect(held.toString().replaceAll("\n", "")).toBe("a".repeat(18_000));
    expect(after.buffer).toBe(read.buffer);
  });

  // A group is one append: nobody may be told of events that are not known to be stored.
  it("promises nothing to anybody whose append failed, nor lets others wait for the same", async () => {
    const sink = new GatedSink();
    const grouped = new GroupedEventSink(sink, 1_048_576);
    const outcome = (...names: readonly string[]) =>
      grouped.append(names.map((name) => large(0, name))).then(
        () => "stored",
        (error: unknown) => (error instanceof SinkUnavailableError ? "refused" : "broken"),
      );
    const [a, b] = [outcome("a"), outcome("b")];
    await turn();
    const c = outcome("c", "c");
    await turn();
    const d = outcome("d");
    await turn();
    sink.appends[0]?.gate.reject(new SinkUnavailableError("off"));
    expect(await Promise.all([a, b, d])).toEqual(["refused", "refused", "refused"]);
    sink.appends[1]?.gate.resolve();
    expect(await c).toBe("stored");
    const e = outcome("e");
    await turn();
    sink.appends.at(-1)?.gate.resolve();
    expect(await e).toBe("stored");
  });

  it("refuses what is more than it may hold, and takes again once there is room", async () => {
    const sink = new GatedSink();
    const grouped = new GroupedEventSink(sink, 1_048_576);
    const large = [{ ...block(0), value: Buffer.alloc(40 * 1_048_576, "x") }];
    const first = grouped.append(large);
    await expect(grouped.append(large)).rejects.toBeInstanceOf(SinkUnavailableError);
    await turn();
    sink.appends[0]?.gate.resolve();
    await first;
    const again = grouped.append(large);
    await turn();
    sink.appends[1]?.gate.resolve();
    await again;
  });

  it("loses no line, doubles none, and keeps to the limits of a block", async () => {
    const call = fc.array(
      fc.record({ partition: fc.nat({ max: 3 }), lines: fc.integer({ min: 1, max: 700 }) }),
      { minLength: 1, maxLength: 4 },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 12 }), async (calls) => {
        const sink = new GatedSink();
        const grouped = new GroupedEventSink(sink, 1_048_576);
        let serial = 0;
        const sent: string[] = [];
        const done = calls.map((blocks) =>
          appendEither(
            grouped,
            blocks.map(({ partition, lines }) => {
              const texts = Array.from({ length: lines }, () => `${partition}/${serial++}`);
              sent.push(...texts);
              return block(partition, ...texts);
            }),
          ),
        );
        await turn();
        for (const { gate } of sink.appends) gate.resolve();
        await Promise.all(done);
        const stored = sink.appends.flatMap(({ blocks }) =>
          blocks.flatMap(({ partition, value }) => {
            const lines = blockLines(value).map((line) => Buffer.from(line).toString());
            expect(lines.length).toBeLessThanOrEqual(BLOCK_EVENTS_MAX);
            expect(lines.every((line) => line.startsWith(`${partition}/`))).toBe(true);
            return lines;
          }),
        );
        expect(stored.sort()).toEqual(sent.sort());
      }),
      { numRuns: 60 },
    );
  });
});
