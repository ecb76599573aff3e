"use client";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import type { InstantRange } from "@trueclick/shared/calendar";
import { SECOND_MS } from "@trueclick/shared/time";
import { useMemo } from "react";
import type { ApiOutputs } from "../../shell/apiTypes.ts";
import { useTRPC } from "../../shell/trpc.tsx";
import type { Filters, Mode } from "../../shell/urlState.ts";
import type { AccountSummary } from "../../shell/viewer.tsx";

export type Report = ApiOutputs["dashboard"]["report"];

/** Live figures follow the stream, which flushes once a second; truth moves by the hour. */
const REFRESH_MS = { dashboard: 2 * SECOND_MS, billing: 30 * SECOND_MS } as const;

/** What all reports of a page have in common. */
export interface ReportFrame {
  readonly account: AccountSummary;
  readonly mode: Mode;
  readonly filters: Filters;
  readonly fromMs: number;
  readonly toMs: number;
}

/** The same object while nothing in it changes, so that what is computed from it is kept. */
export function useFrame(
  { account, mode, filters }: Pick<ReportFrame, "account" | "mode" | "filters">,
  { fromMs, toMs }: InstantRange,
): ReportFrame {
  return useMemo(
    () => ({ account, mode, filters, fromMs, toMs }),
    [account, mode, filters, fromMs, toMs],
  );
}

interface ReportShape {
  readonly granularity: "total" | "minute" | "hour" | "day";
  readonly dimensions: readonly ("campaign" | "ad" | "geo" | "device" | "publisher")[];
  /** How many times slower than the page's pace; null for what is asked once. */
  readonly slower?: number | null;
  readonly enabled?: boolean;
}

/**
 * One report, asked anew by itself while the tab is in sight. Earlier figures stay until new ones
 * come, so that nothing flickers.
 */
export function useReport(frame: ReportFrame, shape: ReportShape) {
  const trpc = useTRPC();
  const slower = shape.slower === undefined ? 1 : shape.slower;
  return useQuery(
    trpc.dashboard.report.queryOptions(
      {
        advertiserId: frame.account.id,
        mode: frame.mode,
        fromMs: frame.fromMs,
        toMs: frame.toMs,
        granularity: shape.granularity,
        dimensions: [...shape.dimensions],
        timeZone: frame.account.timeZone,
        filters: toFilters(frame.filters),
      },
      {
        placeholderData: keepPreviousData,
        refetchInterval: slower === null ? false : REFRESH_MS[frame.mode] * slower,
        enabled: shape.enabled ?? true,
      },
    ),
  );
}

function toFilters(filters: Filters) {
  const only = (value: string | null) => (value === null ? undefined : [value]);
  const chosen = Object.entries(filters).flatMap(([dimension, value]) => {
    const values = only(value);
    return values === undefined ? [] : [[dimension, values] as const];
  });
  return Object.fromEntries(chosen);
}
