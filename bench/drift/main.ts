/**
 * P10: why stream and truth differ over a day, per campaign and hour, beside DuckDB on the events of both
 * sides, and beside DuckDB on the roll-ups and rejects that we keep.
 *
 * `npm run bench -- drift [MILLIONS] [ROUNDS]`: 10 million events and 5 rounds unless said.
 */
import { spawn } from "node:child_process";
import { hash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import type { ClickHouseClient } from "@clickhouse/client";
import { openClickHouse } from "@trueclick/db/clickhouse/client";
import { migrateClickHouse } from "@trueclick/db/clickhouse/migrate";
import { driftEvidence, driftTotals, frontierKey } from "@trueclick/db/queries/driftEvidence";
import { heldParams } from "@trueclick/db/queries/heldRows";
import { hotPartsOf } from "@trueclick/db/routing/hotParts";
import { startClickHouse } from "@trueclick/local-stack/clickhouse";
import { DAY_MS, HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { z } from "zod";
import { type Contestant, compete } from "../harness/rounds.ts";
import { provenance, resultTable } from "../harness/table.ts";
import { cpuMs } from "../truth/child.ts";
import { causesText } from "./answer.ts";
import { BUILD, fillTwoSides, PARTITIONS } from "./twoSides.ts";

const { positionals } = parseArgs({ allowPositionals: true });
const [millions = "10", rounds = "5"] = positionals;
const rows = Number(millions) * 1_000_000;
/** A whole day that the hot store still has. */
const dayMs = Math.floor(Date.now() / DAY_MS - 3) * DAY_MS;
const SCOPE = { kind: "all" } as const;
const PEERS = ["DuckDB on events", "DuckDB on evidence"];
const peerResult = z.object({ ms: z.number(), cpuMs: z.number(), digest: z.string() });
let answered: string | null = null;

const dir = await mkdtemp(join(tmpdir(), "trueclick-bench-"));
const engine = await startClickHouse({ dataDir: join(dir, "clickhouse"), port: 0, log: () => {} });
const clickhouse = openClickHouse(engine.url);
try {
  await migrateClickHouse(clickhouse);
  const startedMs = performance.now();
  await fillTwoSides(clickhouse, { dayMs, rows, dir });
  const seconds = Math.round((performance.now() - startedMs) / SECOND_MS);
  process.stderr.write(`${millions} million events on both sides written in ${seconds} s\n`);
  const standings = await compete([ours(clickhouse), peer(0, "events"), peer(1, "evidence")], {
    rounds: Number(rounds),
    warmups: 1,
    report: (name, figures) => process.stderr.write(`${name}: ${JSON.stringify(figures)}\n`),
  });
  process.stdout.write(`${provenance()}; ${millions} million events\n\n`);
  for (const name of PEERS) {
    process.stdout.write(`${resultTable(standings, ["ms", "cpu_ms"], name)}\n\n`);
  }
} finally {
  await clickhouse.close();
  await engine.stop();
  await rm(dir, { recursive: true, force: true });
}

/** @throws {Error} if a contestant came to other causes than the first. */
function figuresOf(name: string, digest: string, ms: number, cpu: number) {
  answered ??= digest;
  if (digest !== answered) throw new Error(`${name} finds other causes than the first`);
  return { ms, cpu_ms: cpu };
}

function ours(client: ClickHouseClient): Contestant {
  const name = "trueclick";
  const range = { fromMs: dayMs, toMs: dayMs + DAY_MS };
  const seconds = { from: range.fromMs / SECOND_MS, to: range.toMs / SECOND_MS };
  const day = new Date(dayMs).toISOString().slice(0, 10);
  const asked = { first_day: day, last_day: day, any_campaign: true, campaigns: [] };
  const held = heldParams([{ buildId: BUILD, takenOver: [] }]);
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
  const beyond = partitions.map(() => BigInt(rows));
  const cpu = () => cpuMs(engine.pid) + cpuMs(process.pid);
  return {
    name,
    run: async () => {
      const [startedMs, startedCpu] = [performance.now(), cpu()];
      const totals = await driftTotals({ clickhouse: client }, SCOPE, {
        ...seconds,
        ...asked,
        parts: hotPartsOf({
          ...range,
          nowMs: Date.now(),
          granularity: "hour",
          rolledThroughMs: range.toMs + HOUR_MS,
        }),
        ...held,
        rows_max: 50_000,
      });
      const evidence = await driftEvidence({ clickhouse: client }, SCOPE, {
        ...seconds,
        ...asked,
        day_starts: [seconds.from],
        day_ends: [seconds.to],
        builds: [BUILD],
        ...held,
        frontier_keys: partitions.map((partition) => frontierKey(BUILD, partition)),
        frontiers: beyond,
        partitions,
        stream_next: beyond,
        new_campaigns: [],
        mayBeCorrected: true,
      });
      const spent = [performance.now() - startedMs, cpu() - startedCpu] as const;
      assertAddsUp(totals, evidence);
      return figuresOf(name, hash("sha256", causesText(evidence)), ...spent);
    },
  };
}

/** @throws {Error} where a difference is not the sum of its causes (invariant I8). */
function assertAddsUp(
  totals: Awaited<ReturnType<typeof driftTotals>>,
  evidence: Awaited<ReturnType<typeof driftEvidence>>,
): void {
  const explained = new Map<string, number>();
  for (const { campaign, hour, reason, verdict, events } of evidence) {
    const sign = Number(reason === "") - Number(verdict === "");
    const key = `${campaign}/${hour}`;
    explained.set(key, (explained.get(key) ?? 0) + sign * events);
  }
  const wrong = totals.find(({ campaign, hour, stream, truth }) => {
    return stream - truth !== (explained.get(`${campaign}/${hour}`) ?? 0);
  });
  if (wrong !== undefined) throw new Error(`unexplained: ${JSON.stringify(wrong)}`);
}

function peer(at: number, kind: string): Contestant {
  const name = PEERS[at] ?? kind;
  return {
    name,
    run: async () => {
      const program = `${import.meta.dirname}/duckdbPeer.ts`;
      const child = spawn(process.execPath, [program, kind, dir], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const [output, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
      if (code !== 0) throw new Error(`${program} ended with ${String(code)}`);
      const result = peerResult.parse(JSON.parse(output));
      return figuresOf(name, result.digest, result.ms, result.cpuMs);
    },
  };
}
