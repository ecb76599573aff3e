"use client";
/** The state that all pages share. It lives in the URL, so that Back and a sent link just work. */
import {
  createParser,
  parseAsString,
  parseAsStringLiteral,
  useQueryState,
  useQueryStates,
} from "nuqs";
import {
  comparableInstants,
  type DayRange,
  parseRangeChoice,
  rangeInstants,
  resolveRange,
  todayIn,
} from "../ui/dateRange/dateRange.ts";
import { type AccountSummary, useViewer } from "./viewer.tsx";

const MODES = ["dashboard", "billing"] as const;
export type Mode = (typeof MODES)[number];

/** What reports can be filtered by. */
export const FILTER_DIMENSIONS = ["campaign", "geo", "device", "publisher", "ad"] as const;
export type FilterDimension = (typeof FILTER_DIMENSIONS)[number];
export type Filters = Readonly<Record<FilterDimension, string | null>>;

export const NO_FILTERS: Filters = {
  campaign: null,
  geo: null,
  device: null,
  publisher: null,
  ad: null,
};

const FILTER_PARSERS = {
  campaign: parseAsString,
  geo: parseAsString,
  device: parseAsString,
  publisher: parseAsString,
  ad: parseAsString,
};

const rangeParser = createParser({ parse: parseRangeChoice, serialize: (choice) => choice });

const pushed = { history: "push" } as const;

/** The advertiser in sight: the URL's, or the first that the viewer may see; null without any. */
export function useAccount() {
  const { accounts } = useViewer();
  const [{ advertiser }, setState] = useQueryStates(
    { advertiser: parseAsString, ...FILTER_PARSERS },
    pushed,
  );
  const account: AccountSummary | null =
    accounts.find((candidate) => candidate.id === advertiser) ?? accounts[0] ?? null;
  // Another account has other campaigns, ads and publishers: what was filtered by goes.
  const setAccountId = (id: string) => setState({ ...NO_FILTERS, advertiser: id });
  return { account, setAccountId };
}

export function useMode() {
  const parser = parseAsStringLiteral(MODES).withDefault("dashboard").withOptions(pushed);
  return useQueryState("mode", parser);
}

export function useRange(timeZone: string, nowMs: number) {
  const [choice, setChoice] = useQueryState(
    "range",
    rangeParser.withDefault("7d").withOptions(pushed),
  );
  const today = todayIn(timeZone, nowMs);
  const days: DayRange = resolveRange(choice, today);
  return {
    choice,
    setChoice,
    today,
    days,
    instants: rangeInstants(days, timeZone),
    previousInstants: comparableInstants(days, timeZone, nowMs),
  };
}

export function useFilters() {
  return useQueryStates(FILTER_PARSERS, pushed);
}

/** What is kept when one goes from page to page. */
const KEPT_PARAMS = ["advertiser", "mode", "range"] as const;

/** A link to another page that keeps account, mode and range. */
export function hrefKeeping(
  path: string,
  current: { get(name: string): string | null },
  changes: Readonly<Record<string, string>> = {},
): string {
  const params = new URLSearchParams();
  for (const name of KEPT_PARAMS) {
    const value = current.get(name);
    if (value !== null) params.set(name, value);
  }
  for (const [name, value] of Object.entries(changes)) params.set(name, value);
  const query = params.toString();
  return query === "" ? path : `${path}?${query}`;
}
