import type { ReactNode } from "react";

/** A column of `<DataTable>`: one definition for the cell, the sort, the CSV and the phone. */
export interface Column<Row> {
  readonly id: string;
  readonly header: string;
  /** One sentence that explains the header where it needs one. */
  readonly means?: string;
  readonly align?: "left" | "right";
  /** What is sorted by and copied. Null sorts last and is copied as nothing. */
  readonly value: (row: Row) => string | number | null;
  /** What is drawn; the value itself when missing. */
  readonly cell?: (row: Row) => ReactNode;
  readonly total?: ReactNode;
  /** A picture has no place in a CSV, and nothing to sort by. */
  readonly pictureOnly?: boolean;
  /**
   * On a phone a row is two lines: the title, the figure opposite it, the rest below. A badge
   * stands there without its header.
   */
  readonly phone?: "title" | "figure" | "detail" | "badge" | "hidden";
}
