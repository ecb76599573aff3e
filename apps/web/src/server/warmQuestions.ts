/** Reports and drift that are asked in the process, by the code that answers requests, and thrown away. */
import { AnswerMemo } from "@trueclick/db/queries/answerMemo";
import { type CountedCampaign, lastCounted } from "@trueclick/db/queries/lastCounted";
import { LatestAnswers } from "@trueclick/db/queries/latestAnswers";
import type { DatedRows } from "@trueclick/db/routing/reportQuery";
import type { Stores } from "@trueclick/db/stores";
import { type AdvertiserId, advertiserIdSchema } from "@trueclick/shared/ids";
import { DAY_MS, HOUR_MS } from "@trueclick/shared/time";
import type { Caller } from "./rest/caller.ts";
import { askEndpoint, type Endpoint } from "./rest/endpoint.ts";
import { driftEndpoint } from "./rest/endpoints/audit.ts";
import { reportEndpoint } from "./rest/endpoints/report.ts";
import type { WarmedParts } from "./warmth.ts";

/** Each reads everything anew. More of them leave nothing that can be told from it (decision 159). */
const ROUNDS = 2;
/** Of a round: from the second on, answers come from its memory. */
const TIMES_EACH = 2;

/** Of the kinds that take least: as often as it takes to compile most of what they run (decision 163). */
const SHORT_ROUNDS = 20;

const STAFF: Caller = { role: "engineer", tenant: { kind: "all" } };
/** An advertiser that is none, where nothing was counted yet. */
const NOBODY = advertiserIdSchema.parse("warm-up");

interface Question {
  readonly caller: Caller;
  readonly endpoint: Endpoint;
  readonly params: Readonly<Record<string, string>>;
}

/**
 * Asks each kind of report and drift, for the staff and for the advertiser that was counted last: the rows of
 * somebody, since nothing is read, and little of the code is run, for nobody. No answer leaves this function,
 * and none is remembered beyond it.
 *
 * @throws whatever the stores say.
 */
export async function askWarmQuestions({ stores, warmth }: WarmedParts): Promise<void> {
  const nowMs = Date.now();
  const { all } = questionsAt(nowMs, await lastCounted(stores, STAFF.tenant));
  for (let round = 0; round < ROUNDS; round += 1) {
    // Of open hours, what is read by itself is compiled first, then what is told of everybody's.
    const memory = { ...emptyMemory(stores), ...(round > 0 && openHoursOf(stores)) };
    for (let time = 0; time < TIMES_EACH && !warmth.isOver(); time += 1) {
      await askEach(all, memory, nowMs);
    }
  }
}

/**
 * Asks again what is answered fastest, each time as somebody new: there, code that has run a few times only is
 * half of what an answer takes. @throws whatever the stores say.
 */
export async function askShortQuestions({ stores, warmth }: WarmedParts): Promise<void> {
  const nowMs = Date.now();
  const { short } = questionsAt(nowMs, await lastCounted(stores, STAFF.tenant));
  for (let round = 0; round < SHORT_ROUNDS && !warmth.isOver(); round += 1) {
    await askEach(short, { ...emptyMemory(stores), ...openHoursOf(stores) }, nowMs);
  }
}

async function askEach(questions: readonly Question[], stores: Stores, nowMs: number) {
  const ask = async ({ caller, endpoint, params }: Question) => {
    const context = { stores, caller, nowMs };
    await (await askEndpoint(endpoint, context, new URLSearchParams(params), {})).text();
  };
  await Promise.all(questions.map(ask));
}

const openHoursOf = ({ openHours }: Stores) => openHours && { openHours };

/** As most people ask: hours until now, and days that have ended, which are kept added up. */
function questionsAt(nowMs: number, counted: CountedCampaign | null) {
  const hour = Math.floor(nowMs / HOUR_MS) * HOUR_MS;
  const day = Math.floor(nowMs / DAY_MS) * DAY_MS;
  const series = { mode: "dashboard", granularity: "hour", ...range(hour - 7 * DAY_MS, nowMs) };
  const minutes = { ...series, granularity: "minute", ...range(hour - HOUR_MS, nowMs) };
  const totals = { mode: "billing", granularity: "day", ...range(day - 30 * DAY_MS, day) };
  const one = tenantOf(counted?.advertiserId ?? NOBODY);
  const short = [report(one, series), ...(counted === null ? [] : [driftOf(counted, day)])];
  const all = [
    report(STAFF, series),
    // Of everybody, days of zones that these ones cut are read by the hour.
    report(STAFF, { ...totals, ...range(day - 2 * DAY_MS, day) }),
    report(one, minutes),
    report(one, totals),
    report(one, { ...totals, granularity: "total", dimensions: "campaign" }),
    ...(counted === null ? [] : [slicesOf(counted, day)]),
    ...short,
  ];
  return { all, short };
}

function slicesOf({ advertiserId, campaignId }: CountedCampaign, day: number): Question {
  const slices = { mode: "billing", dimensions: "geo,device", ...range(day - 90 * DAY_MS, day) };
  return report(tenantOf(advertiserId), { ...slices, campaign_id: campaignId });
}

function driftOf({ campaignId }: CountedCampaign, day: number): Question {
  const params = { ...range(day - DAY_MS, day), campaign_id: campaignId };
  return { caller: STAFF, endpoint: driftEndpoint, params };
}

function report(caller: Caller, params: Question["params"]): Question {
  return { caller, endpoint: reportEndpoint, params };
}

function tenantOf(id: AdvertiserId): Caller {
  return { role: "advertiser", tenant: { kind: "advertisers", ids: [id] } };
}

const range = (fromMs: number, toMs: number) => ({
  from: new Date(fromMs).toISOString(),
  to: new Date(toMs).toISOString(),
});

/** The same stores, and nothing that anybody else looks for answers in. */
function emptyMemory({ db, clickhouse }: Stores): Stores {
  const [memo, recent] = [new AnswerMemo(), new AnswerMemo()];
  return { db, clickhouse, memo, recent, latest: new LatestAnswers<DatedRows>() };
}
