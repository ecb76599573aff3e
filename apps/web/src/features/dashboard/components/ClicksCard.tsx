"use client";
import { SECOND_MS } from "@trueclick/shared/time";
import dynamic from "next/dynamic";
import { useEffect, useState } from "react";
import { granularityFor } from "../../../report/fns/buckets.ts";
import { freshness } from "../../../report/fns/factsOf.ts";
import { type Report, type ReportFrame, useReport } from "../../../report/hooks/useReport.ts";
import { useNow } from "../../../shell/hooks/useNow.ts";
import { Card } from "../../../ui/Card.tsx";
import { FinalityBadge } from "../../../ui/FinalityBadge.tsx";
import { SegmentedControl } from "../../../ui/SegmentedControl.tsx";
import { Skeleton } from "../../../ui/Skeleton.tsx";
import { EmptyState } from "../../../ui/States.tsx";
import { seriesOf, summarise } from "../fns/seriesOf.ts";
import { ChartLegend } from "./ChartLegend.tsx";

const CHART_HEIGHT = "h-[248px]";
/** With the legend below it, which is there from the start so that nothing jumps. */
const CHART_AND_LEGEND_HEIGHT = "h-[272px]";

// The drawing library is larger than the rest of the page; the figures do not wait for it.
const loadChart = async () => (await import("./ClicksOverTimeChart.tsx")).ClicksOverTimeChart;
const ClicksOverTimeChart = dynamic(loadChart, {
  ssr: false,
  loading: () => <Skeleton className={CHART_HEIGHT} />,
});

const ClicksTable = dynamic(async () => (await import("./ClicksTable.tsx")).ClicksTable, {
  ssr: false,
  loading: () => <Skeleton className={CHART_HEIGHT} />,
});

interface ClicksCardProps {
  readonly frame: ReportFrame;
  readonly previousFrame: ReportFrame | null;
}

export function ClicksCard({ frame, previousFrame }: ClicksCardProps) {
  const [view, setView] = useState<"chart" | "table">("chart");
  // The module loader is told at once, so that drawing code and figures arrive side by side.
  useEffect(() => void loadChart(), []);
  const granularity = granularityFor(frame);
  const present = useReport(frame, { granularity, dimensions: [] });
  const previous = useReport(previousFrame ?? frame, {
    granularity,
    dimensions: [],
    slower: null,
    enabled: previousFrame !== null,
  });

  const points =
    present.data === undefined
      ? null
      : seriesOf(
          present.data,
          frame,
          granularity,
          previousFrame && previous.data ? { report: previous.data, frame: previousFrame } : null,
        );

  return (
    <Card
      title="Clicks over time"
      aside={
        <>
          {present.data !== undefined && <FreshStamp report={present.data} />}
          <SegmentedControl
            label="How to show clicks over time"
            value={view}
            onChange={setView}
            options={[
              { value: "chart", label: "Chart" },
              { value: "table", label: "Table" },
            ]}
          />
        </>
      }
      bodyClassName={view === "table" ? "pt-3" : "px-4 pt-2 pb-4"}
    >
      {points === null && view === "table" && <Skeleton className={CHART_HEIGHT} />}
      {points !== null && view === "table" && <ClicksTable points={points} />}
      {points !== null && view === "chart" && points.every((point) => !point.clicks) && (
        <EmptyState title="No clicks in this period" className={CHART_AND_LEGEND_HEIGHT}>
          Choose a longer period, or send a first click: the README shows how with one line.
        </EmptyState>
      )}
      {view === "chart" && (points === null || points.some((point) => point.clicks)) && (
        <>
          {points === null ? (
            <Skeleton className={CHART_HEIGHT} />
          ) : (
            <ClicksOverTimeChart points={points} summary={summarise(points)} />
          )}
          <ChartLegend compared={previousFrame !== null} />
        </>
      )}
    </Card>
  );
}

/** How old the figures are, by the second. */
function FreshStamp({ report }: { readonly report: Report }) {
  const nowMs = useNow(SECOND_MS, Date.parse(report.meta.as_of));
  return (
    <span className="inline-flex items-center gap-2 tabular-nums">
      <FinalityBadge finality={report.meta.finality} />
      <span className="max-sm:hidden">{freshness(report.meta, nowMs)}</span>
    </span>
  );
}
