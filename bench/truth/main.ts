/**
 * P9 and P15: a day of clicks recounted from its archive objects with all verdicts, beside one query in
 * SQL on the same engine and beside DuckDB on the same files; then a file that comes late.
 *
 * `npm run bench -- truth [MILLIONS,…] [ROUNDS] [ours | steps | late] [--memory-gb 16] [--day FOLDER]`:
 * 5 million clicks and 1 round unless said. `ours` leaves the peers out; `steps` says instead what each
 * statement of one count costs; `late` counts the late file alone, see `late.ts`. Peers get so much memory
 * and put the rest on disk; one that fails is said to have.
 */
import { rm } from "node:fs/promises";
import { parseArgs } from "node:util";
import { makeBenchFolder } from "../harness/benchFolder.ts";
import { type Contestant, compete, type Standing } from "../harness/rounds.ts";
import { provenance, resultTable } from "../harness/table.ts";
import { PeerFailedError, type PeerResult, runPeer } from "./child.ts";
import { clicksPath, distinctIds, type HourOfClicks, hoursOfDay } from "./dayOfClicks.ts";
import { countLate, repeatLate } from "./late.ts";
import { assertLikeEncoded } from "./sample.ts";
import { meterStatements, stepsTable } from "./statements.ts";
import { DAY, DAY_MS, openTruthWorld, type TruthWorld } from "./world.ts";

const SESSIONS = 2;
const MILLION = 1_000_000;
const FIGURES = ["rows_per_s", "rows_per_cpu_s", "peak_mb"];
const PEERS = ["one SQL query", "DuckDB"];

const { positionals, values: asked } = parseArgs({
  allowPositionals: true,
  options: { "memory-gb": { type: "string", default: "16" }, day: { type: "string" } },
});
const memoryMb = Number(asked["memory-gb"]) * 1_000;
const [millions = "5", rounds = "1", only] = positionals;
process.stdout.write(`${provenance()}\n\n`);
const scaling: Standing[] = [];
for (const size of millions.split(",").map(Number)) {
  if (only !== "late") scaling.push(...(await countDay(size)));
  else await repeatLate({ rows: size * MILLION, rounds: Number(rounds), keptDir: asked.day });
}
if (scaling.length > 0) process.stdout.write(`${resultTable(scaling, FIGURES)}\n`);

/** Answers with the standings of our own counts. */
async function countDay(size: number): Promise<Standing[]> {
  const rows = size * MILLION;
  const hours = hoursOfDay(DAY_MS, rows);
  const dir = await makeBenchFolder();
  const world = await openTruthWorld(dir);
  try {
    const startedMs = performance.now();
    await world.write(hours);
    await world.writeAgents();
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
    process.stdout.write(`${size} million: ${(await countLate(world, rows)).said}\n\n`);
    return standings.slice(0, 2);
  } finally {
    await world.close();
    await rm(dir, { recursive: true, force: true });
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

/** Processor time of the engine by statement, of one session: side by side they cannot be told apart. */
async function steps(world: TruthWorld, rows: number): Promise<string> {
  const meter = meterStatements(world.clickhouse, world.enginePid);
  await world.recount(DAY, { full: true, sessions: 1 });
  return stepsTable(meter.take(), rows);
}
