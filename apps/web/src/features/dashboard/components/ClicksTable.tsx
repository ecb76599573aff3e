import { useMemo } from "react";
import { formatCount } from "../../../shell/fns/format.ts";
import { Figure } from "../../../ui/Figure.tsx";
import type { Column } from "../../../ui/table/column.ts";
import { DataTable } from "../../../ui/table/DataTable.tsx";
import type { ClickPoint } from "../fns/prepareClickSeries.ts";

/** The chart in figures: for screen readers, and for copying. */
export function ClicksTable({ points }: { readonly points: readonly ClickPoint[] }) {
  const rows = useMemo(() => points.filter((point) => point.clicks !== null), [points]);
  return (
    <DataTable
      label="Clicks over time"
      columns={COLUMNS}
      rows={rows}
      rowKey={(point) => point.title}
      maxHeight="296px"
    />
  );
}

const COLUMNS: readonly Column<ClickPoint>[] = [
  { id: "time", header: "Time", value: (point) => point.title, phone: "title" },
  {
    id: "clicks",
    header: "Clicks",
    align: "right",
    phone: "figure",
    value: (point) => point.clicks,
    cell: (point) => <Figure>{formatCount(point.clicks ?? 0)}</Figure>,
  },
  {
    id: "previous",
    header: "Period before",
    align: "right",
    value: (point) => point.previous,
    cell: (point) => (point.previous === null ? "–" : formatCount(point.previous)),
  },
  {
    id: "state",
    header: "State",
    value: (point) => (point.isFinal ? "final" : "may still grow"),
  },
];
