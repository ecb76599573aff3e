import { formatCount } from "../../../shell/fns/format.ts";
import type { Column } from "../../../ui/table/column.ts";
import { DataTable } from "../../../ui/table/DataTable.tsx";
import type { Verified } from "../fns/verification.ts";

type Line = Verified["lines"][number];

/** The lines that came to something else. */
export function VerifiedLines({ lines }: { readonly lines: readonly Line[] }) {
  return (
    <DataTable
      label="Lines that differ"
      caption="Lines that differ"
      columns={lines.some(hasOtherCredits) ? [...COLUMNS, ...CREDITS] : COLUMNS}
      rows={lines}
      rowKey={(line) => line.campaign}
      maxHeight="320px"
    />
  );
}

/** Micros of the account's currency, exact, since it is about whether they are the same. */
const micros = (text: string) => formatCount(BigInt(text));

function hasOtherCredits({ credited, creditedValueMicros: value }: Line): boolean {
  return credited?.recorded !== credited?.found || value?.recorded !== value?.found;
}

const COLUMNS: readonly Column<Line>[] = [
  { id: "campaign", header: "Campaign", phone: "title", value: (line) => line.campaign },
  {
    id: "clicks",
    header: "Clicks published",
    align: "right",
    phone: "detail",
    value: (line) => line.clicks.recorded,
    cell: (line) => formatCount(line.clicks.recorded),
  },
  {
    id: "clicks_again",
    header: "Counted again",
    align: "right",
    phone: "figure",
    value: (line) => line.clicks.found,
    cell: (line) => formatCount(line.clicks.found),
  },
  {
    id: "micros",
    header: "Micros published",
    align: "right",
    phone: "detail",
    value: (line) => Number(line.costMicros.recorded),
    cell: (line) => micros(line.costMicros.recorded),
  },
  {
    id: "micros_again",
    header: "Micros again",
    align: "right",
    phone: "detail",
    value: (line) => Number(line.costMicros.found),
    cell: (line) => micros(line.costMicros.found),
  },
];

/** Of conversions; only where they are why a line differs. */
const CREDITS: readonly Column<Line>[] = [
  {
    id: "credited",
    header: "Conversions published",
    align: "right",
    phone: "detail",
    value: (line) => line.credited?.recorded ?? 0,
    cell: (line) => formatCount(line.credited?.recorded ?? 0),
  },
  {
    id: "credited_again",
    header: "Conversions again",
    align: "right",
    phone: "detail",
    value: (line) => line.credited?.found ?? 0,
    cell: (line) => formatCount(line.credited?.found ?? 0),
  },
  {
    id: "value",
    header: "Value published",
    align: "right",
    phone: "detail",
    value: (line) => Number(line.creditedValueMicros?.recorded ?? 0),
    cell: (line) => micros(line.creditedValueMicros?.recorded ?? "0"),
  },
  {
    id: "value_again",
    header: "Value again",
    align: "right",
    phone: "detail",
    value: (line) => Number(line.creditedValueMicros?.found ?? 0),
    cell: (line) => micros(line.creditedValueMicros?.found ?? "0"),
  },
];
