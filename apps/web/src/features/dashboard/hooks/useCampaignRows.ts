"use client";
import { useMemo } from "react";
import { granularityFor } from "../../../report/fns/buckets.ts";
import { type ReportFrame, useReport } from "../../../report/hooks/useReport.ts";
import { type CampaignRow, prepareCampaigns } from "../fns/prepareCampaigns.ts";

/** Trends move slowly and cost more to ask for than totals. */
const TREND_SLOWER = 5;

interface CampaignRows {
  /** Null while loading. */
  readonly rows: readonly CampaignRow[] | null;
  readonly isError: boolean;
  readonly refetch: () => void;
}

export function useCampaignRows(
  frame: ReportFrame,
  previousFrame: ReportFrame | null,
): CampaignRows {
  const granularity = granularityFor(frame);
  const totals = useReport(frame, { granularity: "total", dimensions: ["campaign"], slower: 2 });
  const trend = useReport(frame, { granularity, dimensions: ["campaign"], slower: TREND_SLOWER });
  const previous = useReport(previousFrame ?? frame, {
    granularity: "total",
    dimensions: ["campaign"],
    slower: null,
    enabled: previousFrame !== null,
  });

  const rows = useMemo(
    () =>
      totals.data === undefined
        ? null
        : prepareCampaigns(
            totals.data.rows,
            trend.data ?? null,
            previousFrame === null ? null : (previous.data?.rows ?? null),
            frame,
            granularity,
          ),
    [totals.data, trend.data, previous.data, previousFrame, frame, granularity],
  );
  return { rows, isError: totals.isError, refetch: () => void totals.refetch() };
}
