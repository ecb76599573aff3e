/**
 * P9: a day of clicks recounted from its archive objects, beside one global dedupe in SQL on the same
 * engine and beside DuckDB on the same files; then a file that comes late.
 *
 * `npm run bench -- truth [MILLIONS] [ROUNDS]`; MILLIONS is 5 unless said, and needs 0.2 GB of disk
 * each. Above 20 the peers need more memory than many machines have: `ours` as a third word leaves
 * them out.
 */
import { parseArgs } from "node:util";
import { type Contestant, compete, figureOf } from "../harness/rounds.ts";
import { provenance, resultTable } from "../harness/table.ts";
import { runPeer } from "./child.ts";
import { distinctIds, hoursOfDay } from "./dayOfClicks.ts";
import { openTruthWorld, type TruthWorld } from "./world.ts";

const DAY = "2026-11-10";
const DAY_MS = Date.parse(`${DAY}T00:00:00Z`);
const LATE_HOUR = 13;
const LATE_ROWS = 1_000_000;

const { positionals } = parseArgs({ allowPositionals: true });
const [millions = "5", rounds = "5", only] = positionals;
const rows = Number(millions) * 1_000_000;
const hours = hoursOfDay(DAY_MS, rows);
const expected = distinctIds(hours);

const world = await openTruthWorld();
try {
  process.stderr.write(`writing ${millions} million clicks\n`);
  const startedMs = performance.now();
  await world.write(hours);
  process.stderr.write(`written in ${Math.round(performance.now() - startedMs)} ms\n`);
  const standings = await compete(
    [
      ours(world),
      ...(only === "ours"
        ? []
        : [peer("one SQL dedupe", "sqlPeer.ts"), peer("DuckDB", "duckdbPeer.ts")]),
    ],
    {
      rounds: Number(rounds),
      warmups: 1,
      report: (name, figures) => process.stderr.write(`${name}: ${JSON.stringify(figures)}\n`),
    },
  );
  const figures = ["rows_per_s", "peak_mb"];
  process.stdout.write(`${provenance()}; ${millions} million clicks\n\n`);
  for (const name of only === "ours" ? [undefined] : ["one SQL dedupe", "DuckDB"]) {
    process.stdout.write(`${resultTable(standings, figures, name)}\n\n`);
  }
  const [own] = standings;
  if (own !== undefined) {
    const { median } = figureOf(own, "rows_per_s");
    process.stdout.write(`${(median / 1e6).toFixed(2)} M rows/s\n`);
  }
  await late(world);
} finally {
  await world.close();
}

function ours(truth: TruthWorld): Contestant {
  return {
    name: "trueclick",
    run: async () => {
      const { ms, peakMb, distinct } = await truth.recount(DAY, { full: true });
      return figuresOf("trueclick", ms, peakMb, distinct);
    },
  };
}

function peer(name: string, program: string): Contestant {
  return {
    name,
    run: async () => {
      const { ms, peakMb, distinct } = await runPeer(program, [world.files]);
      return figuresOf(name, ms, peakMb, distinct);
    },
  };
}

/** @throws {Error} if a contestant came to another result than all must. */
function figuresOf(name: string, ms: number, peakMb: number, distinct: number) {
  if (distinct !== expected) throw new Error(`${name} found ${distinct} clicks, not ${expected}`);
  return { rows_per_s: (rows / ms) * 1_000, peak_mb: peakMb };
}

/** A late file of one hour: what is recounted, and how long it takes from the queue to the version. */
async function late(truth: TruthWorld): Promise<void> {
  const hourMs = DAY_MS + LATE_HOUR * 3_600_000;
  await truth.write([{ hourMs, partition: 0, first: rows * 2, rows: LATE_ROWS }]);
  const { ms, timings } = await truth.recount(DAY, { full: false });
  process.stdout.write(
    `A late file of ${LATE_ROWS} rows: ${Math.round(ms)} ms (${JSON.stringify(timings)})\n`,
  );
}
