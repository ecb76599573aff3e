/**
 * P14, cost: processor seconds and stored bytes a million events, by stage and program.
 *
 * `npm run bench -- cost [postgres|kafka] [MILLIONS]`; a million unless said. Events come at 20,000 a second, 500 a
 * request, as in `freshness`: a fifth are clicks, half are of one campaign of 20. Edge and stream work at the same
 * time, as they do in production; archive and batch come after them, so that what the engines do is theirs.
 */
import type { ChildProcess } from "node:child_process";
import { claimPort } from "@trueclick/local-stack/ports";
import { runLoad } from "../freshness/load.ts";
import { LOAD_CAMPAIGNS } from "../freshness/stack.ts";
import { answers } from "../harness/answers.ts";
import {
  endApp,
  LOGS,
  type LogName,
  type ProductEngines,
  runCli,
  SOURCE_AUTHORIZATION,
  startApp,
  startEngines,
} from "../harness/product.ts";
import { provenance } from "../harness/table.ts";
import { cpuSecondsOfTree } from "./cpuOfTree.ts";
import { openStores, type Stores } from "./stores.ts";

const EVENTS_PER_SECOND = 20_000;
const MILLION = 1_000_000;
const SETTLED_WITHIN_MS = 300_000;
const ASK_AGAIN_MS = 250;

/** Processor seconds by program. */
type Seconds = ReadonlyMap<string, number>;

async function measure(logName: LogName, millions: number): Promise<void> {
  const engines = await startEngines(logName, LOAD_CAMPAIGNS);
  const stores = openStores(engines);
  try {
    const stages = await runStages(engines, stores, millions * MILLION);
    const stored = await stores.bytesByPlace();
    process.stdout.write(
      `\n${logName} as the log, ${millions} million events; ${provenance()}\n\n` +
        `${secondsTable(stages, millions)}\n\n${bytesTable(stored, millions * MILLION)}\n`,
    );
  } finally {
    await stores.close();
    await engines.stop();
  }
}

/** Runs one stage after the other. */
async function runStages(
  engines: ProductEngines,
  stores: Stores,
  events: number,
): Promise<ReadonlyMap<string, Seconds>> {
  const port = { edge: await claimPort(0, "edge"), stream: await claimPort(0, "stream") };
  const env = { ...engines.env, OBJECTS_DIR: stores.objectsDir };
  const role = (name: string, settings: Readonly<Record<string, string>>) =>
    startApp("aggregator", { ...env, AGGREGATOR_ROLES: name, ...settings });

  const edge = startApp("ingest", { ...env, INGEST_PORT: String(port.edge) });
  const stream = role("stream", { AGGREGATOR_PORT: String(port.stream) });
  await answers(`http://127.0.0.1:${port.edge}/readyz`);
  await answers(`http://127.0.0.1:${port.stream}/readyz`);
  const live = meter(engines, { edge, stream });
  const { acked } = await runLoad({
    url: `http://127.0.0.1:${port.edge}/v1/events`,
    authorization: SOURCE_AUTHORIZATION,
    ...{ eventsPerSecond: EVENTS_PER_SECOND, seconds: events / EVENTS_PER_SECOND },
    ...{ campaigns: LOAD_CAMPAIGNS, name: "cost" },
  });
  await settled("the stream", async () => (await stores.streamed()) === acked);
  const lived = live();
  await Promise.all([endApp(edge), endApp(stream)]);

  const archive = role("archive", { ARCHIVE_FLUSH_INTERVAL_MS: "10000" });
  const archiving = meter(engines, { archive });
  await settled("the archive", async () => (await stores.archived()) === acked);
  const archived = archiving();

  const batch = role("batch", { BATCH_SCHEDULE_INTERVAL_MS: "0" });
  const counting = meter(engines, { batch });
  await runCli({ dir: engines.dir, env }, ["batch", "run", "--json"]);
  const counted = counting();
  await Promise.all([endApp(archive), endApp(batch)]);
  return new Map([
    ["edge, log and stream", lived],
    ["archive", archived],
    ["batch", counted],
  ]);
}

/** Answers with what each program took since; a start of a program is part of it. */
function meter(
  { postgres, clickhouse, kafka }: ProductEngines,
  apps: Readonly<Record<string, ChildProcess>>,
): () => Seconds {
  const pids = new Map<string, number>();
  for (const [name, { pid }] of Object.entries(apps)) if (pid !== undefined) pids.set(name, pid);
  pids.set("Postgres", postgres.pid).set("ClickHouse", clickhouse.pid);
  if (kafka !== null) pids.set("Kafka", kafka.pid);
  const read = () => new Map([...pids].map(([name, pid]) => [name, cpuSecondsOfTree(pid)]));
  const before = read();
  return () =>
    new Map([...read()].map(([name, seconds]) => [name, seconds - (before.get(name) ?? 0)]));
}

/** @throws {Error} when it does not come about within five minutes. */
async function settled(what: string, isSettled: () => Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + SETTLED_WITHIN_MS;
  while (!(await isSettled())) {
    if (performance.now() > untilMs) throw new Error(`${what} did not have all events in time`);
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
  }
}

function secondsTable(stages: ReadonlyMap<string, Seconds>, millions: number): string {
  const programs = new Set([...stages.values()].flatMap((seconds) => [...seconds.keys()]));
  const cell = (seconds: number) => (seconds / millions).toFixed(2);
  const rows = [...programs].map((program) => {
    const taken = [...stages.values()].map((seconds) => seconds.get(program));
    const all = taken.reduce<number>((sum, seconds) => sum + (seconds ?? 0), 0);
    return [program, ...taken.map((seconds) => (seconds ? cell(seconds) : "")), cell(all)];
  });
  const sums = [...stages.values()].map((of) => [...of.values()].reduce((a, b) => a + b, 0));
  const last = ["all", ...[...sums, sums.reduce((a, b) => a + b, 0)].map(cell)];
  return table([["processor seconds a million", ...stages.keys(), "all"], ...rows, last]);
}

function bytesTable(stored: ReadonlyMap<string, number>, events: number): string {
  const sum = [...stored.values()].reduce((a, b) => a + b, 0);
  const rows = [...stored, ["all", sum] as const].map(([place, bytes]) => {
    return [place, (bytes / events).toFixed(1)];
  });
  return table([["stored", "bytes an event"], ...rows]);
}

function table([head = [], ...rows]: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

const asked = process.argv.slice(2);
const [millions = 1] = asked.map(Number).filter((value) => value > 0);
const named = LOGS.filter((logName) => asked.includes(logName));
for (const logName of named.length > 0 ? named : LOGS) await measure(logName, millions);
