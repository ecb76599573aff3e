/** What is told of a report's last hours by the open hours of everybody, in place of the engine. */
import type { InstantRange } from "@trueclick/shared/calendar";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { readOpenLines } from "../queries/openHourLines.ts";
import type { OpenHours, OpenLine, OpenLines } from "../queries/openHours.ts";
import type { HotLine } from "../queries/parseHotLines.ts";
import { streamState } from "../queries/streamState.ts";
import type { Stores } from "../stores.ts";
import type { TenantScope } from "../tenant.ts";
import { mayCellsTellGivt } from "./hotGivt.ts";
import type { Extent, SettledHours } from "./hotSettled.ts";
import type { CurrencyParams } from "./measures.ts";
import type { ReadAt, ReportQuery } from "./reportQuery.ts";

/** Lines of open hours, and of when they are. */
export interface OpenRows {
  readonly lines: readonly HotLine[];
  /** Null: they are so now. */
  readonly readAt: ReadAt | null;
}

/**
 * The last hours of an hourly series, by campaign at the most, from what is known of everybody's.
 *
 * @param rest What lines do not tell.
 * @param watermarkMs The stream's, as it was read before any row.
 * @returns null where that tells them not, or not in that state: ask the engine.
 */
export async function readOpenRows(
  stores: Pick<Stores, "clickhouse" | "openHours">,
  query: ReportQuery,
  rest: Extent,
  { settled, currencies, nowMs, watermarkMs }: OpenContext,
): Promise<OpenRows | null> {
  const { openHours } = stores;
  const { open } = settled;
  const span = spanOf(query, rest, settled);
  if (openHours === undefined || open === null || span === null) return null;
  const read = () => readOpenLines(stores, open.fromMs);
  const hours = await openHours.hours({ ...open, watermarkMs }, nowMs, read);
  if (hours === null) return null;
  const { dimensions, filters } = query;
  const lines = openLinesOf(hours.lines, query.scope, {
    ...span,
    byAdvertiser: dimensions.includes("advertiser"),
    byCampaign: dimensions.includes("campaign"),
    campaigns: filters.campaign ?? null,
    currencies,
  });
  return lines && { lines, readAt: readAtOf(hours) };
}

interface OpenContext {
  readonly settled: SettledHours;
  readonly currencies: CurrencyParams;
  readonly nowMs: number;
  readonly watermarkMs: number | null;
}

const readAtOf = ({ isNow, readAtMs, watermarkMs }: OpenHours): ReadAt | null =>
  isNow ? null : { readAtMs, watermarkMs };

/** Minutes alone, of open hours that were never to be counted again; they begin with a whole hour. */
function spanOf(
  { granularity }: ReportQuery,
  rest: Extent,
  settled: SettledHours,
): InstantRange | null {
  if (granularity !== "hour" || settled.open === null) return null;
  if (!mayCellsTellGivt({ rest }, settled)) return null;
  const [minutes, ...others] = rest.parts.minutes;
  if (minutes === undefined || others.length > 0) return null;
  const isOpen = minutes.fromMs >= settled.open.fromMs && minutes.fromMs % HOUR_MS === 0;
  return isOpen ? minutes : null;
}

export interface OpenLinesAsked extends InstantRange {
  readonly byAdvertiser: boolean;
  readonly byCampaign: boolean;
  /** Null: all. */
  readonly campaigns: readonly string[] | null;
  /** Of each advertiser, by its id. */
  readonly currencies: CurrencyParams;
}

/**
 * The lines of a scope and of nobody else (invariant I10), as `readHotLines` tells those of closed hours: of
 * one hour, and of one advertiser or campaign where that was asked for, added up.
 *
 * @returns null where they cannot tell it: the range ends before the last minute of an hour that has come to
 *   something, or it is not known which invalid clicks are GIVT.
 */
export function openLinesOf(
  lines: OpenLines,
  scope: TenantScope,
  asked: OpenLinesAsked,
): HotLine[] | null {
  const { toMs, byAdvertiser, byCampaign } = asked;
  const currencyOf = currencyBy(asked.currencies);
  const found = new Map<string, HotLine>();
  for (const [advertiser, line] of linesIn(lines, scope, asked)) {
    if (line.lastMinute * SECOND_MS >= toMs || line.givtClicks < 0) return null;
    const row = {
      ...{ bucket: line.hour, currency: currencyOf(advertiser) },
      advertiser: byAdvertiser ? advertiser : "",
      campaign: byCampaign ? line.campaign : "",
    };
    const key = JSON.stringify(Object.values(row));
    const before = found.get(key);
    found.set(key, before === undefined ? { ...countsOf(line), ...row } : addUp(before, line));
  }
  return [...found.values()];
}

/** The one place where everybody's lines become those of whoever may see them. */
function* linesIn(
  lines: OpenLines,
  scope: TenantScope,
  { fromMs, toMs, byCampaign, campaigns }: OpenLinesAsked,
): Generator<readonly [advertiser: string, OpenLine]> {
  const isAsked = ({ hour, campaign, ofCampaign }: OpenLine) => {
    if (hour * SECOND_MS < fromMs || hour * SECOND_MS >= toMs) return false;
    return campaigns === null
      ? ofCampaign === byCampaign
      : ofCampaign && campaigns.includes(campaign);
  };
  for (const advertiser of scope.kind === "all" ? lines.keys() : new Set<string>(scope.ids)) {
    for (const line of lines.get(advertiser) ?? []) if (isAsked(line)) yield [advertiser, line];
  }
}

/** As `currencySql` tells it of a row. */
function currencyBy({ currency, foreign, foreign_currencies }: CurrencyParams) {
  const others = new Map(foreign.map((id, at) => [String(id), foreign_currencies[at]]));
  return (advertiser: string) => others.get(advertiser) ?? currency;
}

function countsOf(line: OpenLine) {
  const { clicks, invalidClicks, givtClicks, duplicateClicks, impressions, conversions } = line;
  const { costMicros, uniqueUsers } = line;
  const counts = { clicks, invalidClicks, givtClicks, duplicateClicks, impressions, conversions };
  return { ...counts, costMicros, uniqueUsers };
}

function addUp(before: HotLine, one: OpenLine): HotLine {
  return {
    ...before,
    clicks: before.clicks + one.clicks,
    invalidClicks: before.invalidClicks + one.invalidClicks,
    givtClicks: before.givtClicks + one.givtClicks,
    duplicateClicks: before.duplicateClicks + one.duplicateClicks,
    impressions: before.impressions + one.impressions,
    conversions: before.conversions + one.conversions,
    costMicros: before.costMicros + one.costMicros,
    // Users of several do not add up.
    uniqueUsers: null,
  };
}

/**
 * Reads everybody's open hours before anybody asks, for a process that has just started. Never rejects on
 * what the engine says; whoever asks is told.
 *
 * @throws whatever Postgres says.
 */
export async function warmOpenHours(
  stores: Pick<Stores, "db" | "clickhouse" | "openHours">,
  nowMs: number,
): Promise<void> {
  const { rolledThroughMs: fromMs, written, watermarkMs } = await streamState(stores);
  if (fromMs === null) return;
  const state = { fromMs, written, watermarkMs };
  await stores.openHours?.warm(state, nowMs, () => readOpenLines(stores, fromMs));
}
