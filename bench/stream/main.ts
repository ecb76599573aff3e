/**
 * `npm run bench -- stream [cpu|partitions|views|yahoo|ids|memory|restart] [events]`: what the stream's
 * engine costs, without any network. Figures are per processor second, of all threads: see
 * `cpuTime.ts`.
 */
import { type Contestant, compete } from "../harness/rounds.ts";
import { provenance, resultTable } from "../harness/table.ts";
import { type Counted, countWithEngine, countWithMaps } from "./counters.ts";
import { cpuSeconds } from "./cpuTime.ts";
import { idContestants } from "./ids.ts";
import { openViewsPeer } from "./materializedViews.ts";
import { stateOverTime } from "./memory.ts";
import { restartContestant } from "./restart.ts";
import { prepareTraffic, type Traffic } from "./traffic.ts";
import { yahooContestants } from "./yahoo.ts";

const ROUNDS = 5;
const IDS = 20_000_000;
const [what = "cpu", size] = process.argv.slice(2);
/** Of `cpu` and `views`: some fifty seconds of busy traffic, in which all code gets warm. */
const EVENTS = 1_000_000;
/** Of the others, which have more contestants. */
const EVENTS_FEW = 300_000;
const isLong = what === "cpu" || what === "views";
const events = size === undefined ? (isLong ? EVENTS : EVENTS_FEW) : Number.parseInt(size, 10);
const print = (text: string) => process.stdout.write(`${text}\n`);

function counting(name: string, traffic: Traffic, count: () => Counted): Contestant {
  return {
    name,
    run: async () => {
      const startedS = cpuSeconds();
      const { bytesPerEntry } = count();
      return {
        events_per_cpu_s: traffic.events / (cpuSeconds() - startedS),
        bytes_per_entry: bytesPerEntry,
      };
    },
  };
}

const plain = { partitions: 1, hotShare: 0, duplicateShare: 0.05 };
const once = { collect: false, flushes: false };

function assertAlike(ours: Counted, theirs: Counted): void {
  if (ours.duplicates !== theirs.duplicates) throw new Error("Other duplicates");
  for (const [key, [clicks, costMicros]] of theirs.cells) {
    const own = ours.cells.get(key);
    if (own?.[0] !== clicks || own[1] !== costMicros) throw new Error(`${key} differs`);
  }
}

async function cpu(): Promise<void> {
  const traffic = prepareTraffic({ ...plain, events });
  const ours = countWithEngine(traffic, { collect: true, flushes: true });
  assertAlike(ours, countWithMaps(traffic));
  const standings = await compete(
    [
      counting("engine", traffic, () => countWithEngine(traffic, once)),
      counting("engine, handing over each second", traffic, () =>
        countWithEngine(traffic, { collect: false, flushes: true }),
      ),
      counting("JSON.parse + Set + Map", traffic, () => countWithMaps(traffic)),
    ],
    { rounds: ROUNDS, warmups: 1 },
  );
  print(resultTable(standings, ["events_per_cpu_s"], "JSON.parse + Set + Map"));
}

async function views(): Promise<void> {
  const traffic = prepareTraffic({ ...plain, events });
  const peer = await openViewsPeer();
  try {
    await peer.insertAll(traffic);
    const bySql = await peer.cellsBySql();
    const ours = countWithEngine(traffic, { collect: true, flushes: true });
    for (const [key, clicks] of bySql) {
      if (ours.cells.get(key)?.[0] !== clicks) throw new Error(`${key} differs from SQL`);
    }
    print(`equal to SQL over the same events in ${bySql.size} cells`);
    const inserting: Contestant = {
      name: "ClickHouse materialized views",
      run: async () => ({ events_per_cpu_s: traffic.events / (await peer.insertAll(traffic)) }),
    };
    const standings = await compete(
      [
        counting("engine", traffic, () => countWithEngine(traffic, once)),
        counting("engine, handing over each second", traffic, () =>
          countWithEngine(traffic, { collect: false, flushes: true }),
        ),
        inserting,
      ],
      { rounds: ROUNDS, warmups: 1 },
    );
    print(resultTable(standings, ["events_per_cpu_s"], "ClickHouse materialized views"));
  } finally {
    await peer.stop();
  }
}

async function partitions(): Promise<void> {
  const contestants = [1, 4, 16].flatMap((count) =>
    [0, 0.5].map((hotShare) => {
      const traffic = prepareTraffic({ ...plain, partitions: count, hotShare, events });
      const keys = hotShare === 0 ? "uniform" : "one campaign at 50 %";
      return counting(`${count} partitions, ${keys}`, traffic, () =>
        countWithEngine(traffic, once),
      );
    }),
  );
  const standings = await compete(contestants, { rounds: ROUNDS, warmups: 1 });
  print(resultTable(standings, ["events_per_cpu_s", "bytes_per_entry"]));
}

async function yahoo(): Promise<void> {
  const traffic = prepareTraffic({ ...plain, events });
  const standings = await compete(yahooContestants(traffic), { rounds: ROUNDS, warmups: 1 });
  print(resultTable(standings, ["events_per_cpu_s"], "JSON.parse + Map"));
}

async function ids(): Promise<void> {
  const standings = await compete(idContestants(size === undefined ? IDS : events), {
    rounds: 1,
    warmups: 0,
  });
  print(resultTable(standings, ["adds_per_cpu_s", "bytes_per_id", "ids_taken"], "Set<string>"));
}

async function restart(): Promise<void> {
  const traffic = prepareTraffic({ ...plain, events });
  const standings = await compete([restartContestant(traffic)], { rounds: ROUNDS, warmups: 1 });
  print(resultTable(standings, ["cpu_s_per_million_events"]));
}

async function memory(): Promise<void> {
  print(stateOverTime().join("\n"));
}

const benches = new Map<string, () => Promise<void>>([
  ["cpu", cpu],
  ["views", views],
  ["partitions", partitions],
  ["yahoo", yahoo],
  ["ids", ids],
  ["memory", memory],
  ["restart", restart],
]);
const bench = benches.get(what);
if (bench === undefined) throw new Error(`stream has: ${[...benches.keys()].join(", ")}`);
print(provenance());
await bench();
