import { ArrowDown, ArrowUp } from "lucide-react";
import { cn } from "../cn.ts";
import { Tooltip } from "../Tooltip.tsx";
import type { Column } from "./column.ts";

interface HeaderCellProps<Row> {
  readonly column: Column<Row>;
  readonly first: boolean;
  readonly sorted: "asc" | "desc" | null;
  readonly onSort: () => void;
}

const ARIA_SORT = { asc: "ascending", desc: "descending" } as const;

export function HeaderCell<Row>({ column, first, sorted, onSort }: HeaderCellProps<Row>) {
  const Arrow = sorted === "asc" ? ArrowUp : ArrowDown;
  const button = (
    <button
      type="button"
      onClick={onSort}
      className={cn(
        "group/sort inline-flex items-center gap-1 align-middle hover:text-ink",
        column.align === "right" && "flex-row-reverse",
        column.means && "underline decoration-line-strong decoration-dotted underline-offset-3",
        sorted !== null && "text-ink",
      )}
    >
      {column.header}
      <Arrow
        size={12}
        aria-hidden
        className={cn("opacity-0 group-hover/sort:opacity-60", sorted !== null && "opacity-100!")}
      />
    </button>
  );
  return (
    <th
      scope="col"
      aria-sort={sorted === null ? undefined : ARIA_SORT[sorted]}
      className={cn(
        "sticky top-0 z-20 h-9 border-b border-line bg-surface px-3  first:pl-4 last:pr-4 text-xs font-medium",
        "whitespace-nowrap text-ink-3",
        column.align === "right" ? "text-right" : "text-left",
        first && "left-0 z-30",
      )}
    >
      {column.pictureOnly ? column.header : <Explained means={column.means}>{button}</Explained>}
    </th>
  );
}

interface ExplainedProps {
  readonly means: string | undefined;
  readonly children: React.JSX.Element;
}

function Explained({ means, children }: ExplainedProps) {
  return means === undefined ? children : <Tooltip content={means}>{children}</Tooltip>;
}
