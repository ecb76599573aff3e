/**
 * P9 and P15: a day of clicks recounted from its archive objects with all verdicts, beside one query in
 * SQL on the same engine and beside DuckDB on the same files; then a file that comes late.
 *
 * `npm run bench -- truth [MILLIONS,…] [ROUNDS] [ours | steps] [--memory-gb 16]`: 5 million clicks and 1
 * round unless said. `ours` leaves the peers out; `steps` says instead what each statement of one count
 * costs. Peers get so much memory and put the rest on disk; one that fails is said to have.
 */
import { parseArgs } from "node:util";
import { type Contestant, compete, type Standing } from "../harness/rounds.ts";
import { provenance, resultTable } from "../harness/table.ts";
import { PeerFailedError, type PeerResult, runPeer } from "./child.ts";
import { clicksPath, distinctIds, type HourOfClicks, hoursOfDay } from "./dayOfClicks.ts";
import { assertLikeEncoded } from "./sample.ts";
import { meterStatements } from "./statements.ts";
import { openTruthWorld, type TruthWorld } from "./world.ts";

const DAY = "2026-11-10";
const DAY_MS = Date.parse(`${DAY}T00:00:00Z`);
const LATE_HOUR = 13;
const LATE_ROWS = 1_000_000;
const SESSIONS = 2;
const MILLION = 1_000_000;
const FIGURES = ["rows_per_s", "rows_per_cpu_s", "peak_mb"];
const PEERS = ["one SQL query", "DuckDB"];

const { positionals, values: asked } = parseArgs({
  allowPositionals: true,
  options: { "memory-gb": { type: "string", default: "16" } },
});
const memoryMb = Number(asked["memory-gb"]) * 1_000;
const [millions = "5", rounds = "1", only] = positionals;
process.stdout.write(`${provenance()}\n\n`);
const scaling: Standing[] = [];
for (const size of millions.split(",").map(Number)) scaling.push(...(await countDay(size)));
if (scaling.length > 0) process.stdout.write(`${resultTable(scaling, FIGURES)}\n`);

/** Answers with the standings of our own counts. */
async function countDay(size: number): Promise<Standing[]> {
  const rows = size * MILLION;
  const hours = hoursOfDay(DAY_MS, rows);
  const world = await openTruthWorld(DAY_MS);
  try {
    const startedMs = performance.now();
    await world.write(hours);
    await assertLikeEncoded(world, pathOf(hours));
    process.stderr.write(
      `${size} million clicks written in ${Math.round((performance.now() - startedMs) / 1_000)} s\n`,
    );
    if (only === "steps") {
      process.stdout.write(`${await steps(world, rows)}\n\n`);
      return [];
    }
    const figuresOf = checked(rows, distinctIds(hours));
    const ours = (sessions: number): Contestant => ({
      name: `trueclick, ${size} M, ${sessions} ${sessions === 1 ? "session" : "sessions"}`,
      run: async () => figuresOf(await world.recount(DAY, { full: true, sessions })),
    });
    const both = ours(SESSIONS);
    const peers = [
      peer(world, "one SQL query", "sqlPeer.ts"),
      peer(world, "DuckDB", "duckdbPeer.ts"),
    ];
    const standings = await compete(
      [
        both,
        ours(1),
        ...(only === "ours" ? [] : peers).map(({ name, run }) => ({
          name,
          run: async () => figuresOf(await run()),
        })),
      ],
      {
        rounds: Number(rounds),
        warmups: 0,
        report: (name, figures) => process.stderr.write(`${name}: ${JSON.stringify(figures)}\n`),
        isOut: (name, error) => {
          if (!(error instanceof PeerFailedError)) return false;
          process.stdout.write(`${size} million: ${name} did not finish: ${error.message}\n\n`);
          return true;
        },
      },
    );
    for (const name of PEERS.filter((peer) => standings.some((one) => one.name === peer))) {
      const compared = standings.filter((one) => one.name === both.name || one.name === name);
      process.stdout.write(`${resultTable(compared, FIGURES, name)}\n\n`);
    }
    process.stdout.write(`${size} million: ${await late(world, rows)}\n\n`);
    return standings.slice(0, 2);
  } finally {
    await world.close();
  }
}

function pathOf([first]: readonly HourOfClicks[]): string {
  if (first === undefined) throw new RangeError("a day has hours");
  return clicksPath(first);
}

function peer(world: TruthWorld, name: string, program: string) {
  const limits = { memoryMb, scratchDir: world.scratchDir };
  return { name, run: () => runPeer(program, world.peerWords, limits) };
}

/** Figures of a count, once it says the same of every verdict as the first one. */
function checked(rows: number, expected: number) {
  let first: string | null = null;
  return ({ ms, cpuMs, peakMb, verdicts }: PeerResult) => {
    const sorted = Object.entries(verdicts).sort(([a], [b]) => (a < b ? -1 : 1));
    const distinct = sorted.reduce((sum, [, clicks]) => sum + clicks, 0);
    if (distinct !== expected) throw new Error(`found ${distinct} clicks, not ${expected}`);
    const said = JSON.stringify(sorted);
    first ??= said;
    if (said !== first) throw new Error(`${said} instead of ${first}`);
    return {
      rows_per_s: (rows / ms) * 1_000,
      rows_per_cpu_s: (rows / cpuMs) * 1_000,
      peak_mb: peakMb,
    };
  };
}

/** A late file of one hour: how long it takes from the queue to the version. */
async function late(world: TruthWorld, rows: number): Promise<string> {
  const hourMs = DAY_MS + LATE_HOUR * 3_600_000;
  const file = { hourMs, partition: 0, first: rows * 2, rows: LATE_ROWS, searched: false };
  await world.write([file]);
  const { ms, cpuMs, timings } = await world.recount(DAY, { full: false, sessions: SESSIONS });
  return `a late file of ${LATE_ROWS} rows is counted in ${Math.round(ms)} ms (${Math.round(cpuMs)} ms of the processor; ${JSON.stringify(timings)})`;
}

/** Processor time of the engine by statement, of one session: side by side they cannot be told apart. */
async function steps(world: TruthWorld, rows: number): Promise<string> {
  const meter = meterStatements(world.clickhouse, world.enginePid);
  await world.recount(DAY, { full: true, sessions: 1 });
  const lines = meter.take().map(({ name, runs, cpuMs }) => {
    return `| ${name} | ${runs} | ${Math.round(cpuMs)} | ${((cpuMs * 1_000) / rows).toFixed(3)} |`;
  });
  const head = ["| statement | runs | cpu_ms | us_per_row |", "| --- | --- | --- | --- |"];
  return [...head, ...lines].join("\n");
}
