/**
 * The late file of P9: a million clicks of one hour of a day that was counted, from the queue to the version.
 *
 * `late` counts it alone, each round on a copy of one day, so that rounds are alike and a day is made once: with
 * `--day FOLDER` it stays there for the next time. The first round is by the clock, and is compared with a
 * count of the whole day; a last one says what each statement costs.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { HOUR_MS } from "@trueclick/shared/time";
import { makeBenchFolder } from "../harness/benchFolder.ts";
import { hoursOfDay } from "./dayOfClicks.ts";
import { copyDay, keepDay } from "./keptDay.ts";
import { meterStatements, stepsTable } from "./statements.ts";
import { DAY, DAY_MS, openTruthWorld, type Recount, type TruthWorld } from "./world.ts";

const LATE_HOUR = 13;
const LATE_ROWS = 1_000_000;
const SESSIONS = 2;

export interface RepeatLateOptions {
  /** Of the day before the file. */
  readonly rows: number;
  readonly rounds: number;
  /** Where the day is kept; a folder of this run unless said. */
  readonly keptDir: string | undefined;
}

/** Writes the file, then counts it. */
export async function countLate(world: TruthWorld, rows: number) {
  await writeLate(world, rows);
  const counted = await world.recount(DAY, { full: false, sessions: SESSIONS });
  const said = `a late file of ${LATE_ROWS} rows is counted in ${saidOf(counted)}`;
  return { contentHash: counted.contentHash, said };
}

function saidOf({ ms, cpuMs, jobCpuMs, timings, peakMb }: Recount): string {
  const [clock, cpu, own] = [ms, cpuMs, jobCpuMs].map(Math.round);
  return `${clock} ms (${cpu} ms of the processor, of which Node ${own}; ${JSON.stringify(timings)}; peak ${peakMb} MB)`;
}

async function writeLate(world: TruthWorld, rows: number): Promise<void> {
  const hourMs = DAY_MS + LATE_HOUR * HOUR_MS;
  const file = { hourMs, partition: 0, first: rows * 2, rows: LATE_ROWS, searched: false };
  await world.write([file]);
  await world.settle();
}

export async function repeatLate({ rows, rounds, keptDir }: RepeatLateOptions): Promise<void> {
  const scratch = await makeBenchFolder();
  const day = keptDir ?? join(scratch, "day");
  const onCopy = async (act: (world: TruthWorld) => Promise<void>) => {
    const copy = join(scratch, "copy");
    await copyDay(day, copy);
    const world = await openTruthWorld(copy);
    try {
      await act(world);
    } finally {
      await world.close();
      await rm(copy, { recursive: true, force: true });
    }
  };
  const say = (text: string) => process.stdout.write(`${rows / 1_000_000} million: ${text}\n\n`);
  try {
    await keepDay(day, rows, () => makeDay(day, rows));
    for (let round = 0; round < rounds; round += 1) {
      await onCopy(async (world) => {
        const { contentHash, said } = await countLate(world, rows);
        say(said);
        if (round > 0) return;
        const whole = await world.recount(DAY, { full: true, sessions: SESSIONS });
        say(`the day with the file, counted whole: ${saidOf(whole)}`);
        if (whole.contentHash === contentHash) return;
        throw new Error(`the late file came to ${contentHash}, the day to ${whole.contentHash}`);
      });
    }
    await onCopy(async (world) => {
      await writeLate(world, rows);
      const meter = meterStatements(world.clickhouse, world.enginePid);
      const { jobCpuMs } = await world.recount(DAY, { full: false, sessions: SESSIONS });
      const own = { name: "all in Node", runs: 1, cpuMs: jobCpuMs };
      say(`each statement alone\n\n${stepsTable([...meter.take(), own], LATE_ROWS)}`);
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function makeDay(dir: string, rows: number): Promise<void> {
  const world = await openTruthWorld(dir);
  try {
    await world.write(hoursOfDay(DAY_MS, rows));
    await world.recount(DAY, { full: true, sessions: SESSIONS });
    await world.settle();
  } finally {
    await world.close();
  }
}
