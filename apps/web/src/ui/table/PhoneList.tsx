import { Fragment, type ReactNode, useState } from "react";
import { Button } from "../Button.tsx";
import type { Column } from "./column.ts";

/** Longer lists begin with so many: on a phone what comes below them would be out of reach. */
const ROWS_FIRST = 50;

interface PhoneListProps<Row> {
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row) => string;
}

/** The table on a phone: title and figure on the first line, the rest in small on the second. */
export function PhoneList<Row>({ columns, rows, rowKey }: PhoneListProps<Row>) {
  const [all, setAll] = useState(false);
  const shown = all ? rows : rows.slice(0, ROWS_FIRST);
  return (
    <ul className="divide-y divide-line sm:hidden">
      {shown.map((row) => (
        <li key={rowKey(row)} className="px-4 py-2.5 text-sm">
          <span className="flex items-baseline justify-between gap-4 font-medium">
            <span className="min-w-0 truncate">{drawn(columns, row, "title")}</span>
            <FigureOf columns={columns} row={row} />
          </span>
          <span className="mt-0.5 flex flex-wrap gap-x-3 text-xs text-ink-3 tabular-nums">
            {columns
              .filter(({ phone = "detail" }) => phone === "detail" || phone === "badge")
              .filter((column) => column.pictureOnly !== true)
              .map((column) => (
                <span key={column.id}>
                  {column.phone === "badge" ? null : `${column.header} `}
                  {content(column, row)}
                </span>
              ))}
          </span>
        </li>
      ))}
      {shown.length < rows.length && (
        <li className="px-4 py-2.5">
          <Button className="w-full justify-center" onClick={() => setAll(true)}>
            Show all {rows.length}
          </Button>
        </li>
      )}
      <PhoneTotal columns={columns} />
    </ul>
  );
}

/** The figure with its header: a list has none above it to say what is counted. */
function FigureOf<Row>({ columns, row }: { readonly columns: readonly Column<Row>[]; row: Row }) {
  const column = columns.find(({ phone }) => phone === "figure");
  if (column === undefined) return null;
  return (
    <span className="shrink-0 tabular-nums">
      <span className="text-xs font-normal text-ink-3">{column.header}</span> {content(column, row)}
    </span>
  );
}

function drawn<Row>(columns: readonly Column<Row>[], row: Row, place: Column<Row>["phone"]) {
  return columns
    .filter((column) => column.phone === place)
    .map((column) => <Fragment key={column.id}>{content(column, row)}</Fragment>);
}

function content<Row>(column: Column<Row>, row: Row): ReactNode {
  return column.cell?.(row) ?? column.value(row) ?? "–";
}

function PhoneTotal<Row>({ columns }: { readonly columns: readonly Column<Row>[] }) {
  const total = columns.find((column) => column.phone === "figure")?.total;
  if (total === undefined) return null;
  return (
    <li className="flex justify-between gap-4 px-4 py-2.5 text-sm font-semibold">
      <span>Total</span>
      <span className="tabular-nums">{total}</span>
    </li>
  );
}
