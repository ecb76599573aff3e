import { expect, it } from "vitest";
import { type Dated, LATE_AGE_MS_MAX, LATEST_AGE_MS_MAX, LatestAnswers } from "./latestAnswers.ts";

const rowsAt = (readAtMs: number, rowsJson = `[${readAtMs}]`): Dated => ({ rowsJson, readAtMs });

/** Readings that end when they are told to. */
function slowReads() {
  const begun: PromiseWithResolvers<Dated>[] = [];
  const read = () => {
    const reading = Promise.withResolvers<Dated>();
    begun.push(reading);
    return reading.promise;
  };
  const end = async (at: number, rows: Dated) => {
    begun[at]?.resolve(rows);
    await begun[at]?.promise;
    // What awaits the reading goes on behind this.
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { begun, read, end };
}

const NEVER = () => Promise.reject(new Error("nobody asked for this"));

it("tells what was so a moment ago, and reads it once meanwhile", async () => {
  const latest = new LatestAnswers();
  const { begun, read, end } = slowReads();
  latest.keep(["q"], rowsAt(1_000));
  const nowMs = 1_000 + LATEST_AGE_MS_MAX;
  for (let time = 0; time < 3; time += 1) {
    expect(await latest.answer(["q"], nowMs, read)).toEqual(rowsAt(1_000));
  }
  expect(begun).toHaveLength(1);
  await end(0, rowsAt(nowMs));
  expect(await latest.answer(["q"], nowMs, async () => rowsAt(nowMs))).toEqual(rowsAt(nowMs));
});

it("waits where nothing so young is known: never asked, too old, of a clock that was set back", async () => {
  const latest = new LatestAnswers();
  const ask = (nowMs: number) => latest.answer(["q"], nowMs, async () => rowsAt(nowMs));
  expect(await ask(1_000)).toEqual(rowsAt(1_000));
  const oldMs = 1_001 + LATEST_AGE_MS_MAX;
  expect(await ask(oldMs)).toEqual(rowsAt(oldMs));
  const before = new LatestAnswers();
  before.keep(["q"], rowsAt(1_000));
  expect(await before.answer(["q"], 999, async () => rowsAt(999, "set back"))).toEqual(
    rowsAt(999, "set back"),
  );
});

it("lets those wait together who ask while it is read, and no one for a reading too old", async () => {
  const latest = new LatestAnswers();
  const { begun, read, end } = slowReads();
  const first = latest.answer(["q"], 1_000, read);
  const second = latest.answer(["q"], 1_000 + LATEST_AGE_MS_MAX, read);
  const third = latest.answer(["q"], 1_001 + LATEST_AGE_MS_MAX, read);
  expect(begun).toHaveLength(2);
  // The later reading ends first, and stays the newest.
  await end(1, rowsAt(1_001 + LATEST_AGE_MS_MAX));
  await end(0, rowsAt(1_000));
  expect([await first, await second, await third].map(({ readAtMs }) => readAtMs)).toEqual([
    1_000,
    1_000,
    1_001 + LATEST_AGE_MS_MAX,
  ]);
  const known = await latest.answer(["q"], 1_002 + LATEST_AGE_MS_MAX, NEVER);
  expect(known.readAtMs).toBe(1_001 + LATEST_AGE_MS_MAX);
});

// What is read may tell what was so a moment before it began, and says so.
it("tells nobody who joins a reading what is too old for it", async () => {
  const latest = new LatestAnswers();
  const { begun, read, end } = slowReads();
  const first = latest.answer(["q"], 1_000, read);
  const [young, old] = [1, 2].map((ms) => latest.answer(["q"], 1_000 + ms, read));
  await end(0, rowsAt(1_001 - LATEST_AGE_MS_MAX));
  expect(begun).toHaveLength(2);
  await end(1, rowsAt(1_002));
  const told = await Promise.all([first, young, old]);
  const before = 1_001 - LATEST_AGE_MS_MAX;
  expect(told.map((rows) => rows?.readAtMs)).toEqual([before, before, 1_002]);
});

it("tells what it knows where what is read is older", async () => {
  const latest = new LatestAnswers(undefined, FOR_EVER);
  latest.keep(["q"], rowsAt(1_000));
  const nowMs = 1_001 + LATEST_AGE_MS_MAX;
  expect(await latest.answer(["q"], nowMs, async () => rowsAt(999))).toEqual(rowsAt(1_000));
});

it("keeps a failure from those who do not wait for it, and tells those who do", async () => {
  const latest = new LatestAnswers();
  latest.keep(["q"], rowsAt(1_000));
  expect(await latest.answer(["q"], 1_100, NEVER)).toEqual(rowsAt(1_000));
  const late = 1_001 + LATEST_AGE_MS_MAX;
  await expect(latest.answer(["q"], late, NEVER)).rejects.toThrow("nobody asked");
  expect(await latest.answer(["q"], late, async () => rowsAt(late))).toEqual(rowsAt(late));
});

it("tells two questions apart, and forgets what was told longest ago", async () => {
  const latest = new LatestAnswers(250);
  for (const name of ["a", "b", "c"]) latest.keep([name], rowsAt(1_000, name.repeat(100)));
  const ask = async (name: string) =>
    (await latest.answer([name], 1_000, async () => rowsAt(1_000, "read"))).rowsJson;
  expect([await ask("c"), await ask("b")]).toEqual(["c".repeat(100), "b".repeat(100)]);
  expect(await ask("a")).toBe("read");
});

it("reads for nobody in particular only so much at once", async () => {
  const latest = new LatestAnswers();
  const { begun, read } = slowReads();
  for (let at = 0; at < 9; at += 1) {
    latest.keep([at], rowsAt(1_000));
    await latest.answer([at], 1_001, read);
  }
  expect(begun).toHaveLength(4);
});

const AT_ONCE = async () => {};
const FOR_EVER = () => new Promise<void>(() => {});

// A flush and the reading of it take the same two cores: who waits for the one waits for both.
it("tells what was so a second ago at most, where the next takes longer than one is to wait", async () => {
  const latest = new LatestAnswers(undefined, AT_ONCE);
  const { begun, read, end } = slowReads();
  latest.keep(["q"], rowsAt(1_000));
  for (const ageMs of [LATEST_AGE_MS_MAX + 1, 2 * LATEST_AGE_MS_MAX + 2, LATE_AGE_MS_MAX]) {
    expect(await latest.answer(["q"], 1_000 + ageMs, read)).toEqual(rowsAt(1_000));
  }
  // Read once, whoever asks meanwhile, and told from then on as of when that began.
  expect(begun).toHaveLength(1);
  await end(0, rowsAt(1_001 + LATEST_AGE_MS_MAX));
  const next = await latest.answer(["q"], 1_000 + LATE_AGE_MS_MAX, read);
  expect(next).toEqual(rowsAt(1_001 + LATEST_AGE_MS_MAX));
});

it("tells the newest that is known by then", async () => {
  const latest: LatestAnswers<Dated> = new LatestAnswers(undefined, async () => {
    latest.keep(["q"], rowsAt(1_100));
  });
  latest.keep(["q"], rowsAt(1_000));
  const { read } = slowReads();
  expect(await latest.answer(["q"], 1_001 + LATEST_AGE_MS_MAX, read)).toEqual(rowsAt(1_100));
});

it("waits for what is older than that, however long it takes", async () => {
  const latest = new LatestAnswers(undefined, AT_ONCE);
  const { read, end } = slowReads();
  latest.keep(["q"], rowsAt(1_000));
  const old = latest.answer(["q"], 1_001 + LATE_AGE_MS_MAX, read);
  await end(0, rowsAt(1_001 + LATE_AGE_MS_MAX));
  expect(await old).toEqual(rowsAt(1_001 + LATE_AGE_MS_MAX));
});

it("tells what is read within that while", async () => {
  const latest = new LatestAnswers(undefined, FOR_EVER);
  const { read, end } = slowReads();
  latest.keep(["q"], rowsAt(1_000));
  const nowMs = 1_001 + LATEST_AGE_MS_MAX;
  const asked = [latest.answer(["q"], nowMs, read), latest.answer(["q"], nowMs + 500, read)];
  await end(0, rowsAt(nowMs));
  expect(await Promise.all(asked)).toEqual([rowsAt(nowMs), rowsAt(nowMs)]);
});

it("keeps a failure from whoever was told something else before it", async () => {
  const latest = new LatestAnswers(undefined, AT_ONCE);
  const { begun, read } = slowReads();
  latest.keep(["q"], rowsAt(1_000));
  const nowMs = 1_001 + LATEST_AGE_MS_MAX;
  expect(await latest.answer(["q"], nowMs, read)).toEqual(rowsAt(1_000));
  begun[0]?.reject(new Error("down"));
  await begun[0]?.promise.catch(() => {});
  await new Promise((resolve) => setImmediate(resolve));
  // It is not taken for one that goes on.
  expect(await latest.answer(["q"], nowMs, read)).toEqual(rowsAt(1_000));
  expect(begun).toHaveLength(2);
});
