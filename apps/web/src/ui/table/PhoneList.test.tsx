// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import type { Column } from "./column.ts";
import { PhoneList } from "./PhoneList.tsx";

const columns: readonly Column<number>[] = [
  { id: "id", header: "Campaign", phone: "title", value: (row) => `Campaign ${row}` },
  { id: "clicks", header: "Clicks", phone: "figure", value: (row) => row * 10 },
];

afterEach(cleanup);

function renderList(rows: number) {
  const all = Array.from({ length: rows }, (_, index) => index + 1);
  render(<PhoneList columns={columns} rows={all} rowKey={String} />);
}

// A table says in its header what a figure counts; a list has to say it beside the figure.
it("says what the figure of a row is", () => {
  renderList(2);
  expect(screen.getAllByRole("listitem").map((item) => item.textContent)).toEqual([
    "Campaign 1Clicks 10",
    "Campaign 2Clicks 20",
  ]);
});

it("begins a long list with its first rows, and shows all when asked", () => {
  renderList(60);
  expect(screen.getAllByRole("listitem")).toHaveLength(51);
  fireEvent.click(screen.getByRole("button", { name: "Show all 60" }));
  expect(screen.getAllByRole("listitem")).toHaveLength(60);
  expect(screen.queryByRole("button")).toBeNull();
});
