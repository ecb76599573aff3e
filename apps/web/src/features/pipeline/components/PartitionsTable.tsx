import type { ApiOutputs } from "../../../shell/apiTypes.ts";
import { formatAge, formatCount } from "../../../shell/fns/format.ts";
import { cn } from "../../../ui/cn.ts";
import { Figure } from "../../../ui/Figure.tsx";
import type { Column } from "../../../ui/table/column.ts";
import { DataTable } from "../../../ui/table/DataTable.tsx";

type Partition = ApiOutputs["pipeline"]["health"]["partitions"][number];

interface PartitionsTableProps {
  readonly partitions: readonly Partition[];
  readonly nowMs: number;
}

/** Each partition of the log as its two readers stand in it. */
export function PartitionsTable({ partitions, nowMs }: PartitionsTableProps) {
  return (
    <DataTable
      label="Partitions of the log"
      caption="Partitions of the log"
      columns={columnsOf(nowMs)}
      rows={partitions}
      rowKey={(row) => `${row.topic}/${row.partition}`}
    />
  );
}

function columnsOf(nowMs: number): Column<Partition>[] {
  return [
    {
      id: "partition",
      header: "Partition",
      phone: "title",
      value: (row) => `${row.topic} / ${row.partition}`,
    },
    offsetColumn("stream", "Stream reads at", (row) => row.streamNextOffset),
    offsetColumn("archive", "Archive reads at", (row) => row.archiveNextOffset),
    {
      ...offsetColumn("lag", "Archive behind", (row) => row.archiveLagRecords),
      phone: "figure",
      means: "Records that the archive has yet to read; negative where it is ahead of the stream.",
    },
    ageColumn("watermark", "Watermark age", nowMs, (row) => row.watermarkMs),
    ageColumn("newest", "Newest event", nowMs, (row) => row.appendTimeMs),
    offsetColumn("streamed", "Streamed events", (row) => row.streamedEvents),
    offsetColumn("archived", "Archived events", (row) => row.archivedEvents),
    {
      id: "difference",
      header: "Difference",
      align: "right",
      means: "Where both have read as far, both must have seen the same events: 0.",
      value: (row) => (row.difference === null ? null : Number(row.difference)),
      cell: (row) =>
        row.difference === null ? (
          "–"
        ) : (
          <Figure className={cn(row.difference !== 0n && "font-semibold text-bad")}>
            {formatCount(Number(row.difference))}
          </Figure>
        ),
    },
  ];
}

function offsetColumn(
  id: string,
  header: string,
  of: (row: Partition) => bigint | null,
): Column<Partition> {
  return {
    id,
    header,
    align: "right",
    value: (row) => {
      const value = of(row);
      return value === null ? null : Number(value);
    },
    cell: (row) => {
      const value = of(row);
      return value === null ? "–" : <Figure>{formatCount(Number(value))}</Figure>;
    },
  };
}

function ageColumn(
  id: string,
  header: string,
  nowMs: number,
  of: (row: Partition) => number | null,
): Column<Partition> {
  return {
    id,
    header,
    align: "right",
    value: (row) => {
      const ms = of(row);
      return ms === null ? null : Math.round(Math.max(0, nowMs - ms) / 1_000);
    },
    cell: (row) => {
      const ms = of(row);
      return ms === null ? "–" : <Figure>{formatAge(Math.max(0, nowMs - ms))}</Figure>;
    },
  };
}
