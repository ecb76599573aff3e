// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { TooltipProvider } from "../Tooltip.tsx";
import type { Column } from "./column.ts";
import { DataTable } from "./DataTable.tsx";

interface Row {
  readonly id: string;
  readonly clicks: number | null;
}

const columns: readonly Column<Row>[] = [
  { id: "id", header: "Campaign", phone: "title", value: (row) => row.id },
  {
    id: "clicks",
    header: "Clicks",
    align: "right",
    phone: "figure",
    value: (row) => row.clicks,
    total: "12",
  },
];
const rows: readonly Row[] = [
  { id: "b", clicks: 2 },
  { id: "none", clicks: null },
  { id: "a", clicks: 10 },
];

afterEach(cleanup);

function renderTable() {
  render(
    <TooltipProvider>
      <DataTable
        label="Campaigns"
        columns={columns}
        rows={rows}
        rowKey={(row) => row.id}
        initialSort={{ column: "clicks", descending: true }}
      />
    </TooltipProvider>,
  );
  return screen.getByRole("table", { name: "Campaigns" });
}

function firstCells(table: HTMLElement): (string | null | undefined)[] {
  const [, ...lines] = within(table).getAllByRole("row");
  return lines.map((line) => within(line).getAllByRole("cell")[0]?.textContent);
}

it("sorts by number, not by digit, and keeps the total where it is", () => {
  expect(firstCells(renderTable())).toEqual(["a", "b", "none", "Total"]);
});

it("sorts the other way on a click, and leaves what is unknown last either way", () => {
  const table = renderTable();
  fireEvent.click(within(table).getByRole("button", { name: "Clicks" }));
  expect(firstCells(table)).toEqual(["b", "a", "none", "Total"]);
});

it("says to those who do not see the arrow what it is sorted by", () => {
  const header = within(renderTable()).getByRole("columnheader", { name: "Clicks" });
  expect(header.getAttribute("aria-sort")).toBe("descending");
});
