"use client";
import { useMemo } from "react";
import { granularityFor } from "../../../report/fns/buckets.ts";
import { isFullyCounted } from "../../../report/fns/coverageOf.ts";
import { type Report, type ReportFrame, useReport } from "../../../report/hooks/useReport.ts";
import { hasFailed } from "../../../shell/fns/hasFailed.ts";
import { type CampaignRow, prepareCampaigns } from "../fns/prepareCampaigns.ts";

/** Trends move slowly and cost more to ask for than totals. */
const TREND_SLOWER = 5;

interface CampaignRows {
  /** Null while loading. */
  readonly rows: readonly CampaignRow[] | null;
  readonly failed: boolean;
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
            comparable(previous.data, previousFrame),
            frame,
            granularity,
          ),
    [totals.data, trend.data, previous.data, previousFrame, frame, granularity],
  );
  return { rows, failed: hasFailed(totals), refetch: () => void totals.refetch() };
}

/** The rows of the period before, if it was counted as a whole. */
function comparable(report: Report | undefined, frame: ReportFrame | null): Report["rows"] | null {
  if (report === undefined || frame === null) return null;
  return isFullyCounted(report.meta, frame) ? report.rows : null;
}
