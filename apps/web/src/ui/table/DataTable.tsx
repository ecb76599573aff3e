"use client";
import {
  columnVisibilityFeature,
  createSortedRowModel,
  rowSortingFeature,
  type SortingState,
  tableFeatures,
  useTable,
} from "@tanstack/react-table";
import { type ReactNode, useMemo } from "react";
import { cn } from "../cn.ts";
import type { Column } from "./column.ts";
import { HeaderCell } from "./HeaderCell.tsx";
import { PhoneList } from "./PhoneList.tsx";
import { TableTools } from "./TableTools.tsx";

const features = tableFeatures({
  columnVisibilityFeature,
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
});

interface DataTableProps<Row> {
  /** Names the table to those who do not see it, and its CSV file. */
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row) => string;
  readonly initialSort?: { readonly column: string; readonly descending: boolean };
  /** Stands opposite the tools: a title, a filter. */
  readonly caption?: ReactNode;
  /** Height from which the body scrolls under its header, in CSS units. */
  readonly maxHeight?: string;
}

/**
 * A table of figures: header and first column stay in sight, figures stand right, every column
 * sorts, and CSV is what is on the screen. On a phone it is a list of two lines a row.
 */
export function DataTable<Row extends object>(props: DataTableProps<Row>) {
  const { columns, rows, rowKey } = props;
  const definitions = useMemo(
    () =>
      columns.map((column) => ({
        id: column.id,
        // Unknown sorts last either way, as `undefined` and not as a smallest value.
        accessorFn: (row: Row) => column.value(row) ?? undefined,
        enableSorting: column.pictureOnly !== true,
        sortUndefined: "last" as const,
        sortFn: compareValues,
        sortDescFirst: column.align === "right",
      })),
    [columns],
  );
  const table = useTable({
    features,
    columns: definitions,
    data: rows,
    getRowId: rowKey,
    enableSortingRemoval: false,
    initialState: { sorting: toSorting(props.initialSort) },
  });

  const shownIds = new Set(table.getVisibleLeafColumns().map((column) => column.id));
  const shown = columns.filter((column) => shownIds.has(column.id));
  const sorted = table.getRowModel().rows.map((row) => row.original);
  const sorting = table.state.sorting[0];

  return (
    <div>
      <TableTools
        label={props.label}
        caption={props.caption}
        columns={columns}
        shown={shown}
        rows={sorted}
        onToggle={(id, visible) => table.getColumn(id)?.toggleVisibility(visible)}
      />
      <PhoneList columns={shown} rows={sorted} rowKey={rowKey} />
      <div className="overflow-auto max-sm:hidden" style={{ maxHeight: props.maxHeight }}>
        <table className="w-full border-separate border-spacing-0 text-sm" aria-label={props.label}>
          <thead>
            <tr>
              {shown.map((column, index) => (
                <HeaderCell
                  key={column.id}
                  column={column}
                  first={index === 0}
                  sorted={sorting?.id === column.id ? (sorting.desc ? "desc" : "asc") : null}
                  onSort={() => table.getColumn(column.id)?.toggleSorting()}
                />
              ))}
            </tr>
          </thead>
          <tbody>
            {sorted.map((row) => (
              <BodyRow key={rowKey(row)} row={row} columns={shown} />
            ))}
          </tbody>
          <TotalsRow columns={shown} />
        </table>
      </div>
    </div>
  );
}

interface BodyRowProps<Row> {
  readonly row: Row;
  readonly columns: readonly Column<Row>[];
}

function BodyRow<Row>({ row, columns }: BodyRowProps<Row>) {
  return (
    <tr className="group">
      {columns.map((column, index) => (
        <td
          key={column.id}
          className={cn(
            "h-10 border-b border-line px-3 whitespace-nowrap first:pl-4 last:pr-4 group-hover:bg-sunken",
            column.align === "right" && "text-right tabular-nums",
            index === 0 && "sticky left-0 z-10 max-w-60 truncate bg-surface font-medium",
          )}
        >
          {column.cell?.(row) ?? column.value(row) ?? "–"}
        </td>
      ))}
    </tr>
  );
}

function TotalsRow<Row>({ columns }: { readonly columns: readonly Column<Row>[] }) {
  if (columns.every((column) => column.total === undefined)) return null;
  return (
    <tfoot>
      <tr>
        {columns.map((column, index) => (
          <td
            key={column.id}
            className={cn(
              "sticky bottom-0 h-10 border-t border-line bg-surface px-3 font-semibold first:pl-4 last:pr-4",
              column.align === "right" && "text-right tabular-nums",
              index === 0 && "left-0 z-20",
            )}
          >
            {column.total ?? (index === 0 ? "Total" : null)}
          </td>
        ))}
      </tr>
    </tfoot>
  );
}

function toSorting(sort: DataTableProps<never>["initialSort"]): SortingState {
  return sort === undefined ? [] : [{ id: sort.column, desc: sort.descending }];
}

interface Comparable {
  getValue(columnId: string): unknown;
}

/** Numbers by size, words as people sort them. */
function compareValues(left: Comparable, right: Comparable, columnId: string): number {
  const a = left.getValue(columnId);
  const b = right.getValue(columnId);
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}
