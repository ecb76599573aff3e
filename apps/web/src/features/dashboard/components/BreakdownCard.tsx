"use client";
import { parseAsStringLiteral, useQueryState } from "nuqs";
import { type ReportFrame, useReport } from "../../../report/hooks/useReport.ts";
import { hasFailed } from "../../../shell/fns/hasFailed.ts";
import type { FilterDimension, Filters } from "../../../shell/urlState.ts";
import { Card } from "../../../ui/Card.tsx";
import { ShareBars } from "../../../ui/ShareBars.tsx";
import { SkeletonRows } from "../../../ui/Skeleton.tsx";
import { EmptyState, ErrorState } from "../../../ui/States.tsx";
import { Tabs } from "../../../ui/Tabs.tsx";
import { DIMENSION_WORDS } from "../fns/dimensions.ts";
import { prepareBars } from "../fns/prepareBars.ts";

const BREAKDOWNS = ["geo", "device", "publisher", "ad"] as const;
const ROWS_EXPECTED = 8;

interface BreakdownCardProps {
  readonly frame: ReportFrame;
  readonly filters: Filters;
  readonly onChange: (changes: Partial<Record<FilterDimension, string | null>>) => void;
}

/** Where clicks come from, one dimension at a time. A bar narrows the page to its part. */
export function BreakdownCard({ frame, filters, onChange }: BreakdownCardProps) {
  const [dimension, setDimension] = useQueryState(
    "by",
    parseAsStringLiteral(BREAKDOWNS).withDefault("geo"),
  );
  // The chosen part stays among its siblings, so that one can go from one to the next.
  const siblings = { ...frame, filters: { ...filters, [dimension]: null } };
  const report = useReport(siblings, {
    granularity: "total",
    dimensions: [dimension],
    slower: 2,
  });
  const bars =
    report.data === undefined ? null : prepareBars(report.data.rows, dimension, filters[dimension]);
  return (
    <Card bodyClassName="p-0">
      <Tabs
        label="Clicks by"
        value={dimension}
        onChange={setDimension}
        tabs={BREAKDOWNS.map((value) => ({ value, label: DIMENSION_WORDS[value].many }))}
      >
        <div className="p-2">
          {bars === null && !hasFailed(report) && <SkeletonRows rows={ROWS_EXPECTED} headless />}
          {hasFailed(report) && (
            <ErrorState title="This cannot be read just now" onRetry={() => report.refetch()}>
              The rest of the page is not affected.
            </ErrorState>
          )}
          {bars !== null && bars.length === 0 && (
            <EmptyState title="No clicks in this period">
              Choose a longer period, or take away a filter.
            </EmptyState>
          )}
          {bars !== null && bars.length > 0 && (
            <ShareBars
              bars={bars}
              provisional={report.data?.meta.finality !== "closed"}
              onToggle={(id) => onChange({ [dimension]: filters[dimension] === id ? null : id })}
            />
          )}
        </div>
      </Tabs>
    </Card>
  );
}
