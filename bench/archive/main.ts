/**
 * What archiving costs: lines of events to zstd Parquet with typed columns, the dedupe key and the
 * line itself, by the archive's encoder and by DuckDB and the ClickHouse engine on one thread each.
 *
 * `npm run bench -- archive [events]`
 */
import { hash } from "node:crypto";
import { rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { StretchEncoder } from "@trueclick/archive/encode/stretchEncoder";
import { startClickHouse } from "@trueclick/local-stack/clickhouse";
import { makeBenchFolder } from "../harness/benchFolder.ts";
import { type Contestant, compete, type Figures } from "../harness/rounds.ts";
import { provenance, resultTable } from "../harness/table.ts";
import { clickHouseInsert, duckDbCopy, duckDbDigest } from "./peers.ts";
import { cpuSecondsOf, makeLines } from "./workload.ts";

const EVENTS = Number(process.argv[2] ?? 100_000);
const EVENTS_PER_STRETCH = 50_000;
const EVENTS_PER_BLOCK = 500;

const dir = await makeBenchFolder();
const source = join(dir, "events.ndjson");
const lines = makeLines(EVENTS);
await writeFile(source, lines.join("\n"));
const blocks = Array.from({ length: EVENTS / EVENTS_PER_BLOCK }, (_, at) => ({
  offset: BigInt(at),
  appendTimeMs: Date.UTC(2026, 5, 1, 13),
  value: Buffer.from(lines.slice(at * EVENTS_PER_BLOCK, (at + 1) * EVENTS_PER_BLOCK).join("\n")),
}));

const duck = await (await DuckDBInstance.create(":memory:", { threads: "1" })).connect();
const clickhouse = await startClickHouse({ dataDir: join(dir, "ch"), port: 0, log: () => {} });
const encoder = new StretchEncoder();
const blocksPerStretch = EVENTS_PER_STRETCH / EVENTS_PER_BLOCK;

async function archive(): Promise<string[]> {
  const files: string[] = [];
  for (let start = 0; start < blocks.length; start += blocksPerStretch) {
    const records = blocks.slice(start, start + blocksPerStretch);
    const stretch = { partition: 0, firstOffset: BigInt(start), records };
    for (const { bytes } of encoder.encode(stretch)) {
      files.push(join(dir, `ours-${files.length}.parquet`));
      await writeFile(files.at(-1) ?? "", bytes);
    }
  }
  return files;
}

function contestant(name: string, pid: number, act: () => Promise<string[]>): Contestant {
  return {
    name,
    async run(): Promise<Figures> {
      const cpuBefore = await cpuSecondsOf(pid);
      const startedMs = performance.now();
      const files = await act();
      const seconds = (performance.now() - startedMs) / 1_000;
      const cpuSeconds = (await cpuSecondsOf(pid)) - cpuBefore;
      const sizes = await Promise.all(files.map((file) => stat(file)));
      return {
        events_per_s: EVENTS / seconds,
        events_per_cpu_s: EVENTS / cpuSeconds,
        cpu_s_per_million: (cpuSeconds / EVENTS) * 1e6,
        bytes_per_event: sizes.reduce((sum, { size }) => sum + size, 0) / EVENTS,
      };
    },
  };
}

const duckFile = join(dir, "duck.parquet");
const clickhouseFile = join(dir, "clickhouse.parquet");
const contestants = [
  contestant("archive encoder", process.pid, archive),
  contestant("DuckDB", process.pid, async () => {
    await duck.run(duckDbCopy(source, duckFile));
    return [duckFile];
  }),
  contestant("ClickHouse engine", clickhouse.pid, async () => {
    await rm(clickhouseFile, { force: true });
    const body = clickHouseInsert(source, clickhouseFile);
    const answer = await fetch(new URL("/", clickhouse.url), { method: "POST", body });
    if (!answer.ok) throw new Error(await answer.text());
    return [clickhouseFile];
  }),
];

try {
  for (const { run } of contestants) await run();
  const digests = [];
  for (const files of [`${dir}/ours-*.parquet`, duckFile, clickhouseFile]) {
    const found = await duck.runAndReadAll(duckDbDigest(files));
    digests.push(hash("sha256", JSON.stringify(found.getRowsJson())));
  }
  if (new Set(digests).size !== 1) throw new Error("the contestants wrote different rows");

  const standings = await compete(contestants, { rounds: 5, warmups: 1 });
  const figures = ["events_per_s", "events_per_cpu_s", "cpu_s_per_million", "bytes_per_event"];
  process.stdout.write(`${provenance()}\n\n${resultTable(standings, figures, "DuckDB")}\n`);
} finally {
  await clickhouse.stop();
  await rm(dir, { recursive: true, force: true });
}
