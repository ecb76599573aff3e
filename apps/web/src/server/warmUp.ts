/** What a process does once before it answers anybody, so that who comes first does not wait for it. */
import { warmReports } from "@trueclick/db/queries/warmReports";
import { warmOpenHours } from "@trueclick/db/routing/openHourRows";
import type { Stores } from "@trueclick/db/stores";
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { DAY_MS, HOUR_MS } from "@trueclick/shared/time";
import type { z } from "zod";
import type { Caller } from "./rest/caller.ts";
import type { Endpoint } from "./rest/endpoint.ts";
import { driftEndpoint } from "./rest/endpoints/audit.ts";
import { reportEndpoint } from "./rest/endpoints/report.ts";
import { parseParams } from "./rest/params.ts";

/** What one report, and whoever asks beside it, takes at once. */
const CONNECTIONS_WARM = 6;
/** A store that is slow or down keeps nobody from being told so. */
const WARM_UP_MS_MAX = 2_000;
/** The second time, code is compiled and statements are prepared. */
const ROUNDS = 2;

/** Of an advertiser that is none: it reads nothing of anybody. */
const NOBODY: Caller = {
  role: "engineer",
  tenant: { kind: "advertisers", ids: [advertiserIdSchema.parse("warm-up")] },
};

/**
 * Opens connections, prepares statements and has each kind of report answered for nobody, so that code is
 * compiled and the engine has read what it keeps of its newest parts. No answer is kept, but everybody's open
 * hours are.
 *
 * Never rejects, and is waited for no longer than `withinMs`: whoever asks is told what is wrong.
 *
 * @param open Gives the stores. @param tell Takes what failed, a line of JSON.
 */
export async function warmUp(
  open: () => Stores,
  tell: (line: string) => void = writeLine,
  withinMs = WARM_UP_MS_MAX,
): Promise<void> {
  const { promise: enough, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, withinMs);
  const prepared = prepare(open).catch((error: unknown) => tell(toLine(error)));
  await Promise.race([prepared, enough]);
  clearTimeout(timer);
}

async function prepare(open: () => Stores): Promise<void> {
  const { db, clickhouse } = open();
  await warmReports({ db }, CONNECTIONS_WARM);
  await askForNobody({ db, clickhouse }, Date.now());
  await warmOpenHours(open(), Date.now());
}

/** Through the endpoints, so that it stays what is asked there. */
async function askForNobody(stores: Stores, nowMs: number): Promise<void> {
  const iso = (ms: number) => new Date(ms).toISOString();
  const range = (days: number) => `from=${iso(nowMs - days * DAY_MS)}&to=${iso(nowMs)}`;
  const day = `from=${iso(nowMs - DAY_MS)}&to=${iso(nowMs - HOUR_MS)}`;
  const reports = [
    `mode=dashboard&granularity=hour&${range(7)}`,
    `mode=dashboard&granularity=minute&${day}`,
    `mode=billing&granularity=day&${range(30)}`,
    `mode=billing&dimensions=campaign&${range(30)}`,
    `mode=billing&dimensions=geo,device&${range(30)}`,
  ];
  const ask = async <Params extends z.ZodObject>(endpoint: Endpoint<Params>, query: string) => {
    const params = parseParams(endpoint.params, new URLSearchParams(query), {});
    const answer = await endpoint.handle({ stores, caller: NOBODY, nowMs }, params);
    await answer.text();
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    await Promise.all([
      ...reports.map((query) => ask(reportEndpoint, query)),
      ask(driftEndpoint, day),
    ]);
  }
}

/** For whoever runs the process: the reason beneath, since those above it repeat whole statements. */
function toLine(error: unknown): string {
  let reason = error;
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause;
  const message = reason instanceof Error ? reason.message : String(reason);
  return JSON.stringify({ level: "warn", msg: "not ready beforehand for reports", message });
}

function writeLine(line: string): void {
  process.stderr.write(`${line}\n`);
}
