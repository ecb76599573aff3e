import { useMemo } from "react";
import { causeWords } from "../../../report/fns/causes.ts";
import type { ApiOutputs } from "../../../shell/apiTypes.ts";
import { formatCount, formatInstant, formatSigned } from "../../../shell/fns/format.ts";
import { cn } from "../../../ui/cn.ts";
import { Figure } from "../../../ui/Figure.tsx";
import type { Column } from "../../../ui/table/column.ts";
import { DataTable } from "../../../ui/table/DataTable.tsx";

type DriftRow = ApiOutputs["drift"]["byCampaignHour"]["rows"][number];

/** More rows than this are not read; the largest differences are what one looks for. */
const ROWS_SHOWN_MAX = 200;

interface DriftTableProps {
  readonly rows: readonly DriftRow[];
  readonly timeZone: string;
}

/** Both counts by campaign and hour, the largest differences first. */
export function DriftTable({ rows, timeZone }: DriftTableProps) {
  const columns = useMemo(() => columnsOf(timeZone), [timeZone]);
  const shown = useMemo(
    () =>
      rows
        .toSorted((left, right) => sizeOf(right) - sizeOf(left) || right.hourMs - left.hourMs)
        .slice(0, ROWS_SHOWN_MAX),
    [rows],
  );
  const rest = rows.length - shown.length;
  return (
    <DataTable
      label="Drift by campaign and hour"
      caption={
        <span>
          By campaign and hour
          {rest > 0 && (
            <span className="ml-2 text-xs font-normal text-ink-3">
              the {ROWS_SHOWN_MAX} largest of {formatCount(rows.length)}
            </span>
          )}
        </span>
      }
      columns={columns}
      rows={shown}
      rowKey={(row) => `${row.campaignId}/${row.hourMs}`}
      maxHeight="560px"
    />
  );
}

/** What nobody can explain comes before any difference. */
function sizeOf(row: DriftRow): number {
  return row.unexplained === 0 ? Math.abs(row.stream - row.truth) : Number.MAX_SAFE_INTEGER;
}

function columnsOf(timeZone: string): Column<DriftRow>[] {
  return [
    {
      id: "campaign",
      header: "Campaign",
      phone: "title",
      value: (row) => row.campaignName ?? row.campaignId,
    },
    {
      id: "hour",
      header: "Hour",
      phone: "badge",
      value: (row) => row.hourMs,
      cell: (row) => formatInstant(row.hourMs, timeZone).replace(/:\d\d$/, ""),
    },
    {
      id: "stream",
      header: "Live estimate",
      align: "right",
      value: (row) => row.stream,
      cell: (row) => <Figure>{formatCount(row.stream)}</Figure>,
    },
    {
      id: "truth",
      header: "Billing",
      align: "right",
      value: (row) => row.truth,
      cell: (row) => <Figure>{formatCount(row.truth)}</Figure>,
    },
    {
      id: "difference",
      header: "Difference",
      align: "right",
      phone: "figure",
      means: "Live estimate less billing.",
      value: (row) => row.stream - row.truth,
      cell: (row) => <Figure>{formatSigned(row.stream - row.truth)}</Figure>,
    },
    {
      id: "causes",
      header: "Causes",
      phone: "hidden",
      value: (row) => causesText(row),
      cell: (row) => (
        <span className="block max-w-96 truncate text-ink-2" title={causesText(row)}>
          {causesText(row) || "–"}
        </span>
      ),
    },
    {
      id: "unexplained",
      header: "Not explained",
      align: "right",
      means: "Must be 0: every difference has a named cause.",
      value: (row) => row.unexplained,
      cell: (row) => (
        <span className={cn(row.unexplained !== 0 && "font-semibold text-bad")}>
          {formatSigned(row.unexplained)}
        </span>
      ),
    },
  ];
}

function causesText({ causes }: DriftRow): string {
  return Object.entries(causes)
    .sort(([, left], [, right]) => Math.abs(right) - Math.abs(left))
    .map(([cause, difference]) => `${causeWords(cause).name} ${formatSigned(-difference)}`)
    .join(", ");
}
