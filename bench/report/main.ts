/**
 * P11, the report API over the rollups of a hundred million events: the real web app with real keys,
 * beside DuckDB over the same rows in the asking process. `npm run bench -- report [days [words of a question]]`.
 *
 * Warm: the same question as before. New: one that nobody asked the running process. Cold: the first of its kind after ClickHouse, the web app
 * and DuckDB were started anew; the operating system's file cache is left as it is.
 */
import { Agent, get } from "node:http";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { quantile } from "../harness/statistics.ts";
import { provenance } from "../harness/table.ts";
import { endMsOf, TRUTH_DAYS } from "./fill.ts";
import { startLiveStream } from "./liveStream.ts";
import { openPeer, type Peer } from "./peer.ts";
import { type Question, questionsOf } from "./questions.ts";
import { STAFF_KEY } from "./register.ts";
import { buildWeb, openReportWorld, type ReportWorld } from "./world.ts";

const WARM_UPS = 3;
/** Requests of a question; the peer is asked at every twentieth. */
const REQUESTS = 100;
const PEER_EVERY = 20;
const RESTARTS = 3;

interface Measured {
  readonly rest: number[];
  /** Each another question. */
  readonly anew: number[];
  readonly peer: number[];
  readonly peerWithoutUsers: number[];
}

const answerSchema = z.object({
  rows: z.array(z.looseObject({ clicks: z.number().optional(), stream: z.number().optional() })),
});

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

async function askRest(
  world: ReportWorld,
  { path, key }: Pick<Question, "path" | "key">,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const headers = { Authorization: `Bearer ${key}` };
  get(`${world.webUrl()}/api/v1${path}`, { agent, headers }, (response) => {
    text(response).then((body) => {
      if (response.statusCode === 200) resolve(body);
      else reject(new Error(`${path} answered ${response.statusCode}: ${body}`));
    }, reject);
  }).on("error", reject);
  return promise;
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await act();
  return performance.now() - startedMs;
}

/** @throws {Error} where the two sides do not tell the same. */
async function compare(world: ReportWorld, peer: Peer, question: Question): Promise<void> {
  const { rows } = answerSchema.parse(JSON.parse(await askRest(world, question)));
  const clicks = rows.reduce((sum, row) => sum + (row.clicks ?? row.stream ?? 0), 0);
  const other = await peer.ask(question.sql);
  if (rows.length !== other.rows || clicks !== other.clicks) {
    throw new Error(
      `${question.name}: ${rows.length} rows, ${clicks} clicks; the peer has ${other.rows}, ${other.clicks}`,
    );
  }
}

async function measure(days: number, words: string): Promise<void> {
  await buildWeb();
  const endMs = endMsOf(Date.now());
  const world = await openReportWorld(endMs, days);
  try {
    const peer = await openPeer(world.dir, world.files);
    process.stdout.write(`${world.tables}\n`);
    const isAsked = ({ name }: Question) => name.includes(words);
    const questions = questionsOf(endMs, days, true).filter(isAsked);
    const countsOnly = questionsOf(endMs, days, false).filter(isAsked);
    const cold = await measureCold(world, peer, questions);
    const rows: string[][] = [];
    for (const [number, question] of questions.entries()) {
      await compare(world, peer, question);
      const warm = await measureWarm(world, peer, [question, countsOnly[number] ?? question]);
      process.stderr.write(`${question.name}: ${short(at(warm.rest, 0.5))} ms\n`);
      rows.push(toCells(question.name, warm, cold.get(question.name) ?? NOTHING));
      if (!question.isHot) continue;
      const live = await measureLive(world, peer, endMs, question);
      rows.push(toCells(`${question.name}, while the stream writes`, live, NOTHING));
    }
    peer.close();
    const table = [HEAD, HEAD.map(() => "---"), ...rows];
    const lines = table.map((row) => `| ${row.join(" | ")} |`).join("\n");
    process.stdout.write(`\n${provenance()}\n\n${lines}\n`);
  } finally {
    agent.destroy();
    await world.close();
  }
}

async function measureCold(
  world: ReportWorld,
  peer: Peer,
  questions: readonly Question[],
): Promise<Map<string, Measured>> {
  const measured = new Map(questions.map(({ name }) => [name, newMeasured()]));
  for (let restart = 0; restart < RESTARTS; restart += 1) {
    await world.restart();
    await peer.restart();
    // Whoever comes first pays for connections and for what every route shares.
    const turned = [...questions.slice(restart * 3), ...questions.slice(0, restart * 3)];
    for (const question of turned) {
      const of = measured.get(question.name);
      of?.rest.push(await timed(() => askRest(world, question)));
      of?.peer.push(await timed(() => peer.ask(question.sql)));
    }
  }
  return measured;
}

async function measureWarm(
  world: ReportWorld,
  peer: Peer,
  [question, countsOnly]: readonly [Question, Question],
): Promise<Measured> {
  const measured = newMeasured();
  for (let at = 0; at < WARM_UPS; at += 1) await askRest(world, question);
  for (let at = 0; at < REQUESTS; at += 1) {
    measured.rest.push(await timed(() => askRest(world, question)));
    if (at % PEER_EVERY > 0) continue;
    measured.peer.push(await timed(() => peer.ask(question.sql)));
    measured.peerWithoutUsers.push(await timed(() => peer.ask(countsOnly.sql)));
  }
  for (const path of question.anew) {
    measured.anew.push(await timed(() => askRest(world, { path, key: STAFF_KEY })));
  }
  return measured;
}

/** The same question while flushes come in, to which no peer's table is put. */
async function measureLive(
  world: ReportWorld,
  peer: Peer,
  endMs: number,
  question: Question,
): Promise<Measured> {
  const stream = await startLiveStream(world.storeUrls(), world.files.cells, endMs);
  try {
    const asked = { ...question, anew: [] };
    const measured = await measureWarm(world, peer, [asked, asked]);
    await compare(world, peer, question);
    process.stderr.write(`${stream.flushes()} flushes of a partition\n`);
    return measured;
  } finally {
    await stream.stop();
  }
}

const newMeasured = (): Measured => ({ rest: [], anew: [], peer: [], peerWithoutUsers: [] });
const NOTHING = newMeasured();

const HEAD = [
  ...["question", "REST p50 ms", "REST p99 ms", "DuckDB p50 ms", "REST × DuckDB, p50"],
  "new questions: REST p50 (most) ms",
  ...[
    "DuckDB without users p50 ms",
    "cold: REST median (most) ms",
    "cold: DuckDB median (most) ms",
  ],
];

function toCells(name: string, warm: Measured, cold: Measured): string[] {
  const p50 = (values: readonly number[]) => at(values, 0.5);
  return [
    name,
    short(p50(warm.rest)),
    short(at(warm.rest, 0.99)),
    short(p50(warm.peer)),
    short(p50(warm.rest) / p50(warm.peer)),
    `${short(p50(warm.anew))} (${short(at(warm.anew, 1))})`,
    short(p50(warm.peerWithoutUsers)),
    `${short(p50(cold.rest))} (${short(at(cold.rest, 1))})`,
    `${short(p50(cold.peer))} (${short(at(cold.peer, 1))})`,
  ];
}

/** NaN of nothing, which is shown as such. */
const at = (values: readonly number[], share: number) =>
  values.length === 0
    ? Number.NaN
    : quantile(
        [...values].sort((a, b) => a - b),
        share,
      );
const format = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const short = (value: number) => (Number.isNaN(value) ? "–" : format.format(value));

const [asked = "", ...words] = process.argv.slice(2);
await measure(Number(asked) > 0 ? Number(asked) : TRUTH_DAYS, words.join(" "));
