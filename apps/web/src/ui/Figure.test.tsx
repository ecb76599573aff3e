// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { FactsProvider, Figure, FigureCardProvider, type FigureFacts } from "./Figure.tsx";

const facts: FigureFacts = {
  finality: "settling",
  asOf: "2 Mar, 14:03:21",
  store: "Billing records",
};

// The card is placed with it; jsdom lays nothing out and so has nothing to observe.
vi.stubGlobal(
  "ResizeObserver",
  class {
    observe() {}
    unobserve() {}
    disconnect() {}
  },
);
afterEach(cleanup);

it("tells on focus how final a number is, as of when, and who counted it", () => {
  render(
    <FigureCardProvider>
      <FactsProvider value={facts}>
        <Figure focusable>128,402</Figure>
      </FactsProvider>
    </FigureCardProvider>,
  );
  expect(screen.queryByRole("tooltip")).toBeNull();

  fireEvent.focus(screen.getByRole("button", { name: "128,402" }));
  const card = screen.getByRole("tooltip").textContent;
  expect(card).toContain("Settling");
  expect(card).toContain("2 Mar, 14:03:21");
  expect(card).toContain("Billing records");

  fireEvent.blur(screen.getByRole("button", { name: "128,402" }));
  expect(screen.queryByRole("tooltip")).toBeNull();
});

it("prefers its own facts to those of the page", () => {
  render(
    <FigureCardProvider>
      <FactsProvider value={facts}>
        <Figure facts={{ ...facts, finality: "closed" }}>7</Figure>
      </FactsProvider>
    </FigureCardProvider>,
  );
  expect(screen.getByText("7").dataset["finality"]).toBe("closed");
});
