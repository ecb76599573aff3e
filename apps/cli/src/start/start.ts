/** `trueclick start`: the order of effects from an empty folder to a stack that answers. */
import { join } from "node:path";
import type { DemoState } from "../demo/seed/demoState.ts";
import { demoLogins } from "../demo/seed/seedAccess.ts";
import {
  type DemoFile,
  type StackFile,
  writeDemoFile,
  writeStackFile,
} from "../stack/stackFile.ts";
import type { CliContext } from "../terminal/context.ts";
import { CliError } from "../terminal/errors.ts";
import { createProgress } from "../terminal/progress.ts";
import { bringUpStores, type Launch } from "./bringUp.ts";
import { startWebBuild, type WebBuild } from "./buildWeb.ts";
import { createChildRegister, endOrphans } from "./childRegister.ts";
import { countInBackground } from "./countInBackground.ts";
import { claimFrontPorts } from "./frontPorts.ts";
import { openLogFile } from "./logFile.ts";
import type { ProgramName } from "./nodeFlags.ts";
import { assertLogKind, emptyDataDir, makeDataDir, makeSubfolders } from "./prepareData.ts";
import { createProgram, type ProgramHost } from "./programs.ts";
import { waitUntilReady } from "./readiness.ts";
import { loadSecrets, type Secrets } from "./secrets.ts";
import { formatStartBlock } from "./startBlock.ts";
import { takeStartLock } from "./startLock.ts";
import type { StartSettings } from "./startSettings.ts";
import { ProgramGivenUpError, type Supervision, supervise } from "./supervisor.ts";
import { createTeardown, type StopRank, type Teardown } from "./teardown.ts";
import { waitForStream } from "./waitForStream.ts";

const READY_WITHIN_MS = 120_000;
/** Longer than this nobody should wait for a page; the stream then goes on in the background. */
const CAUGHT_UP_WITHIN_MS = 120_000;

/**
 * Starts everything, and resolves once it was stopped as the user wanted.
 *
 * @throws {CliError} when it cannot start, or a part cannot be kept running; nothing runs then.
 */
export async function start(context: CliContext, settings: StartSettings): Promise<void> {
  const { dataDir } = settings;
  await makeDataDir(dataDir);
  const lock = await takeStartLock(dataDir, settings);
  const teardown = createTeardown();
  context.force.addEventListener("abort", () => teardown.kill(), { once: true });
  try {
    await runUntilStopped(context, settings, teardown);
  } catch (error) {
    // What failed because everything was being stopped did not fail.
    if (context.stop.aborted) return;
    if (error instanceof ProgramGivenUpError) {
      throw new CliError("given_up", error.message, { cause: error });
    }
    throw error;
  } finally {
    if (context.stop.aborted) context.stderr.write("\nStopping\n");
    await teardown.run();
    await lock.release();
  }
}

async function runUntilStopped(
  context: CliContext,
  settings: StartSettings,
  teardown: Teardown,
): Promise<void> {
  const startedMs = Date.now();
  const say = (line: string) => void context.stderr.write(`${line}\n`);
  const secrets = await prepare(settings, say);
  const register = createChildRegister(settings.dataDir);
  const launch: Launch = { context, settings, secrets, teardown, onStart: register.note, say };
  // The build needs a core and no store, so it runs beside the rest.
  const build = await beginWebBuild(launch);
  const { stack, state, supervisions } = await bringUpStores(launch);
  // Verbs find the stack as soon as its stores answer.
  await writeStackFile(settings.dataDir, stack);

  const host: ProgramHost = { ...launch, stack };
  const running = [...supervisions];
  const unlessEnded = <Result>(work: Promise<Result>) =>
    Promise.race([work, ...running.map((supervision) => supervision.ended)]);
  running.push(await launchProgram(host, teardown, "readers", "aggregator"));
  if (!state.counted) await unlessEnded(catchUp(context, stack));
  await unlessEnded(build.wait());
  context.stop.throwIfAborted();
  running.push(await launchProgram(host, teardown, "edge", "ingest"));
  await unlessEnded(waitForEdge(settings, context.stop));
  context.stop.throwIfAborted();
  // The web app comes last: once it answers, so does all else, and keys and log-ins can be read.
  const demo = toDemoFile(settings, secrets);
  await writeDemoFile(settings.dataDir, demo);
  running.push(await launchProgram(host, teardown, "readers", "web"));
  await unlessEnded(waitForWeb(settings, context.stop));
  context.stop.throwIfAborted();

  if (settings.demo) running.push(await launchProgram(host, teardown, "traffic", "demo"));
  const seconds = Math.round((Date.now() - startedMs) / 1000);
  context.stdout.write(formatStartBlock({ demo, seconds, ...toPlaces(settings, state) }));
  teardown.add("traffic", countInBackground(launch, stack, state));
  await unlessEnded(whenAborted(context.stop));
}

async function beginWebBuild({ context, settings, teardown, say }: Launch): Promise<WebBuild> {
  const log = await openLogFile(join(settings.dataDir.file("logs"), "web-build.log"));
  const build = startWebBuild(context, log, say);
  teardown.add("traffic", build);
  return build;
}

/** So that the first click of today does not stand in line behind two months of them. */
async function catchUp(context: CliContext, stack: StackFile): Promise<void> {
  const progress = createProgress(context.stderr);
  await waitForStream(stack, progress, CAUGHT_UP_WITHIN_MS, context.stop);
  progress.clear();
}

/** Everything that can fail without a process having been started. */
async function prepare(settings: StartSettings, say: (line: string) => void): Promise<Secrets> {
  const { dataDir } = settings;
  const orphans = await endOrphans(dataDir);
  if (orphans.length > 0) say(`Ended what a killed start had left: ${orphans.join(", ")}`);
  if (settings.fresh) await emptyDataDir(dataDir);
  await assertLogKind(dataDir, usesKafka(settings) ? "kafka" : "postgres");
  await makeSubfolders(dataDir, settings.objectsDir);
  await claimFrontPorts(settings);
  return loadSecrets(dataDir);
}

async function launchProgram(
  host: ProgramHost,
  teardown: Teardown,
  rank: StopRank,
  name: ProgramName,
): Promise<Supervision> {
  const supervision = await supervise(await createProgram(host, name));
  teardown.add(rank, supervision);
  return supervision;
}

function waitForEdge({ ingestUrl }: StartSettings, signal: AbortSignal): Promise<void> {
  return waitUntilReady("The edge", `${ingestUrl}/readyz`, READY_WITHIN_MS, signal);
}

function waitForWeb({ webUrl }: StartSettings, signal: AbortSignal): Promise<void> {
  return waitUntilReady("The web app", `${webUrl}/api/health`, READY_WITHIN_MS, signal);
}

function toDemoFile({ webUrl, ingestUrl }: StartSettings, secrets: Secrets): DemoFile {
  return {
    webUrl,
    ingestUrl,
    logins: demoLogins(secrets),
    ingestKey: secrets.demoSourceKey,
    apiKeys: secrets.demoApiKeys,
  };
}

function toPlaces(settings: StartSettings, state: DemoState) {
  const notes = [
    settings.demo ? "demo traffic flows" : "no demo traffic",
    ...(state.counted
      ? []
      : ["the demo's past is being counted for billing, which takes some minutes"]),
  ];
  return {
    dataPath: settings.dataDir.path,
    logsPath: settings.dataDir.file("logs"),
    log: usesKafka(settings) ? "Kafka" : "Postgres",
    notes,
  };
}

function usesKafka({ kafka, external }: StartSettings): boolean {
  return kafka || external.kafkaBrokers !== undefined;
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
