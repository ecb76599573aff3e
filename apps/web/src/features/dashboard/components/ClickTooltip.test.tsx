// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import type { ClickPoint } from "../fns/prepareClickSeries.ts";
import { ClickTooltip } from "./ClickTooltip.tsx";

const point: ClickPoint = {
  label: "2 Mar",
  title: "Mon 2 Mar",
  final: null,
  provisional: 1_200,
  previous: 900,
  clicks: 1_200,
  isFinal: false,
};

afterEach(cleanup);

it("says of a bucket that may still grow that it may", () => {
  render(<ClickTooltip active point={point} />);
  expect(screen.getByText(/clicks so far, may still grow/).textContent).toContain("1,200");
  expect(screen.getByText(/900 the period before/)).toBeDefined();
});

it("says of a gap that nothing is counted yet, and does not call it zero", () => {
  render(
    <ClickTooltip active point={{ ...point, provisional: null, previous: null, clicks: null }} />,
  );
  expect(screen.getByText("Not counted yet")).toBeDefined();
  expect(screen.queryByText(/clicks/)).toBeNull();
});
