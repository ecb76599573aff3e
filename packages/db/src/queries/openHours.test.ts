import { expect, it, vi } from "vitest";
import { LATE_AGE_MS_MAX, LATEST_AGE_MS_MAX } from "./latestAnswers.ts";
import {
  ASKERS_MIN,
  type OpenHours,
  OpenHoursKept,
  type OpenLines,
  type OpenState,
  SPARED_MS,
} from "./openHours.ts";

const AT_MS = 1_000_000;
const stateOf = (written: string | null, watermarkMs = 5): OpenState => {
  return { fromMs: 3_600_000, written, watermarkMs };
};
const FIRST = stateOf("1");
const NEXT = stateOf("2", 6);

/** Lines that are told from others by being there. */
const linesOf = (name: string): OpenLines => new Map([[name, []]]);
const nameOf = (hours: OpenHours | null) => hours && [...hours.lines.keys()].join();

const NEVER = vi.fn(() => Promise.reject(new Error("nobody asked for this")));
const FOR_EVER = () => new Promise<void>(() => {});
const AT_ONCE = async () => {};

/** As many ask of a state as are enough, and are told that it is not known. */
async function manyAsk(kept: OpenHoursKept, state: OpenState): Promise<void> {
  for (let time = 1; time < ASKERS_MIN; time += 1) {
    expect(await kept.hours(state, AT_MS, NEVER)).toBeNull();
  }
}

/** Kept of the first state, as of `AT_MS`. */
async function keptOf(name: string, patience: () => Promise<void> = FOR_EVER) {
  const kept = new OpenHoursKept(patience);
  await kept.warm(FIRST, AT_MS, async () => linesOf(name));
  return kept;
}

/** A reading that ends when it is told to. */
function slowRead() {
  const reading = Promise.withResolvers<OpenLines>();
  const read = vi.fn(() => reading.promise);
  const end = async (name: string) => {
    reading.resolve(linesOf(name));
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { read, end, fail: () => reading.reject(new Error("down")) };
}

it("reads everybody's once as many have asked of a state as that takes", async () => {
  const kept = new OpenHoursKept(FOR_EVER);
  await manyAsk(kept, FIRST);
  expect(NEVER).not.toHaveBeenCalled();
  const hours = await kept.hours(FIRST, AT_MS, async () => linesOf("a"));
  expect([nameOf(hours), hours?.isNow]).toEqual(["a", true]);
});

it("reads it for the first who asks after a flush before which as many did, and for no one alone", async () => {
  const kept = await keptOf("a");
  for (let time = 0; time < ASKERS_MIN; time += 1) await kept.hours(FIRST, AT_MS, NEVER);
  const lateMs = AT_MS + LATE_AGE_MS_MAX + 1;
  expect(nameOf(await kept.hours(NEXT, lateMs, async () => linesOf("b")))).toBe("b");
  // One who asks after each flush, again and again.
  for (const written of ["3", "4", "5"]) {
    expect(await kept.hours(stateOf(written), 2 * lateMs, NEVER)).toBeNull();
  }
  expect(NEVER).not.toHaveBeenCalled();
});

it("tells a state as it was read for as long as it is the same, as of now", async () => {
  const kept = await keptOf("a");
  const later = AT_MS + 10 * LATE_AGE_MS_MAX;
  const now = { readAtMs: later, watermarkMs: 7, isNow: true };
  expect(await kept.hours({ ...FIRST, watermarkMs: 7 }, later, NEVER)).toMatchObject(now);
});

it("tells another state for a moment what was so before, as of then", async () => {
  const kept = await keptOf("a");
  for (const state of [NEXT, stateOf(null)]) {
    const hours = await kept.hours(state, AT_MS + LATEST_AGE_MS_MAX, NEVER);
    expect(hours).toMatchObject({ readAtMs: AT_MS, watermarkMs: 5, isNow: false });
    expect(await kept.hours(state, AT_MS + LATEST_AGE_MS_MAX + 1, NEVER)).toBeNull();
    expect(await kept.hours(state, AT_MS - 1, NEVER)).toBeNull();
    if (state !== NEXT) break;
  }
});

it("is not the same while somebody may be writing, whatever was so when it was read", async () => {
  const kept = new OpenHoursKept(FOR_EVER);
  await kept.warm(stateOf(null), AT_MS, async () => linesOf("a"));
  expect(await kept.hours(stateOf(null), AT_MS + LATEST_AGE_MS_MAX + 1, NEVER)).toBeNull();
});

it("tells nothing of hours that begin elsewhere, and joins no reading of them", async () => {
  const kept = await keptOf("a");
  const rolled = { ...FIRST, fromMs: 7_200_000 };
  expect(await kept.hours(rolled, AT_MS, NEVER)).toBeNull();
  const { read, end } = slowRead();
  const warming = kept.warm(FIRST, AT_MS, read);
  for (let time = 0; time < ASKERS_MIN; time += 1) {
    expect(await kept.hours(rolled, AT_MS, NEVER)).toBeNull();
  }
  await end("b");
  await warming;
});

it("tells at once what is young, while the next is read, one reading at a time", async () => {
  const kept = await keptOf("a");
  const { read, end } = slowRead();
  for (let time = 0; time < 3 * ASKERS_MIN; time += 1) {
    expect(nameOf(await kept.hours(NEXT, AT_MS + 1, read))).toBe("a");
  }
  expect(read).toHaveBeenCalledTimes(1);
  await end("b");
  expect(await kept.hours(NEXT, AT_MS + 9, NEVER)).toMatchObject({ isNow: true });
});

it("lets those wait together who ask while it is read, and nobody who asks much later", async () => {
  const kept = new OpenHoursKept(FOR_EVER);
  await manyAsk(kept, FIRST);
  const { read, end } = slowRead();
  const first = kept.hours(FIRST, AT_MS, read);
  const second = kept.hours(NEXT, AT_MS + LATEST_AGE_MS_MAX, read);
  expect(await kept.hours(NEXT, AT_MS + LATEST_AGE_MS_MAX + 1, read)).toBeNull();
  await end("a");
  expect(read).toHaveBeenCalledTimes(1);
  expect(await first).toMatchObject({ readAtMs: AT_MS, isNow: true });
  // What was written by when it asked need not be in what others had begun to read.
  expect(await second).toMatchObject({ readAtMs: AT_MS, isNow: false });
});

it("takes what others began at the very same time for no state of its own", async () => {
  const kept = new OpenHoursKept(FOR_EVER);
  await manyAsk(kept, FIRST);
  const { read, end } = slowRead();
  const first = kept.hours(FIRST, AT_MS, read);
  const second = kept.hours(NEXT, AT_MS, read);
  await end("a");
  expect([(await first)?.isNow, (await second)?.isNow]).toEqual([true, false]);
});

it("tells what was so a second ago at most, where the next takes longer than one is to wait", async () => {
  const kept = await keptOf("a", AT_ONCE);
  const { read, end } = slowRead();
  for (let time = 1; time < ASKERS_MIN; time += 1) await kept.hours(NEXT, AT_MS, NEVER);
  for (const ageMs of [LATEST_AGE_MS_MAX + 1, LATE_AGE_MS_MAX]) {
    const hours = await kept.hours(NEXT, AT_MS + ageMs, read);
    expect([nameOf(hours), hours?.readAtMs, hours?.isNow]).toEqual(["a", AT_MS, false]);
  }
  expect(await kept.hours(NEXT, AT_MS + LATE_AGE_MS_MAX + 1, read)).toBeNull();
  expect(read).toHaveBeenCalledTimes(1);
  await end("b");
});

it("tells what is read within that while", async () => {
  const kept = await keptOf("a");
  const { read, end } = slowRead();
  for (let time = 1; time < ASKERS_MIN; time += 1) await kept.hours(NEXT, AT_MS, NEVER);
  const hours = kept.hours(NEXT, AT_MS + LATEST_AGE_MS_MAX + 1, read);
  await end("b");
  expect([nameOf(await hours), (await hours)?.isNow]).toEqual(["b", true]);
});

it("leaves it be for a while once it was refused, and keeps that from whoever asks", async () => {
  const kept = new OpenHoursKept(FOR_EVER);
  await manyAsk(kept, FIRST);
  const { read, fail } = slowRead();
  fail();
  expect(await kept.hours(FIRST, AT_MS, read)).toBeNull();
  expect(await kept.hours(FIRST, AT_MS + SPARED_MS - 1, read)).toBeNull();
  await kept.warm(FIRST, AT_MS + SPARED_MS - 1, read);
  expect(read).toHaveBeenCalledTimes(1);
  const again = await kept.hours(FIRST, AT_MS + SPARED_MS, async () => linesOf("a"));
  expect(nameOf(again)).toBe("a");
});
