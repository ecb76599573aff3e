import { Columns3, Download } from "lucide-react";
import type { ReactNode } from "react";
import { Button, buttonClass } from "../Button.tsx";
import { CopyButton } from "../CopyButton.tsx";
import { DropdownMenu, MenuCheckItem, MenuLabel } from "../DropdownMenu.tsx";
import type { Column } from "./column.ts";
import { toCsv } from "./toCsv.ts";

interface TableToolsProps<Row> {
  readonly label: string;
  readonly caption: ReactNode;
  readonly columns: readonly Column<Row>[];
  readonly shown: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly onToggle: (id: string, visible: boolean) => void;
}

/** What one can do with a table: choose its columns, copy it, save it. */
export function TableTools<Row>(props: TableToolsProps<Row>) {
  const csv = () => toCsv(props.rows, props.shown);
  const shownIds = new Set(props.shown.map((column) => column.id));
  return (
    <div className="flex min-h-11 flex-wrap items-center gap-1 border-b border-line px-4 py-1.5">
      <div className="mr-auto min-w-0 text-base font-semibold">{props.caption}</div>
      <DropdownMenu
        align="end"
        trigger={
          <Button variant="ghost" size="sm" className="max-sm:hidden">
            <Columns3 size={13} aria-hidden />
            Columns
          </Button>
        }
      >
        <MenuLabel>Show columns</MenuLabel>
        {props.columns.slice(1).map((column) => (
          <MenuCheckItem
            key={column.id}
            checked={shownIds.has(column.id)}
            onCheckedChange={(checked) => props.onToggle(column.id, checked)}
          >
            {column.header}
          </MenuCheckItem>
        ))}
      </DropdownMenu>
      <CopyButton text={csv} label={`Copy ${props.label} as CSV`} />
      <button
        type="button"
        className={buttonClass("ghost", "sm")}
        onClick={() => saveAs(`${props.label}.csv`, csv())}
      >
        <Download size={13} aria-hidden />
        CSV
      </button>
    </div>
  );
}

function saveAs(fileName: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = fileName.toLowerCase().replaceAll(/[^a-z0-9.]+/g, "-");
  link.click();
  URL.revokeObjectURL(url);
}
