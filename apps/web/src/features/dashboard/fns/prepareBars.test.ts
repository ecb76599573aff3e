import { expect, it } from "vitest";
import { prepareBars } from "./prepareBars.ts";

it("orders parts by size and gives each its share of all", () => {
  const bars = prepareBars(
    [
      { device: "tv", clicks: 10 },
      { device: "mobile", clicks: 30 },
      { device: "tablet", clicks: 0 },
    ],
    "device",
    null,
  );
  expect(bars.map((bar) => [bar.label, bar.shareText])).toEqual([
    ["Phone", "75.0%"],
    ["TV", "25.0%"],
  ]);
});

it("keeps the chosen part in sight, however small it is", () => {
  const rows = Array.from({ length: 12 }, (_, index) => ({
    ad: `ad_${index}`,
    clicks: 100 - index,
  }));
  const bars = prepareBars([...rows, { ad: "ad_x", clicks: 0 }], "ad", "ad_x");
  expect(bars).toHaveLength(11);
  expect(bars.at(-1)).toMatchObject({ id: "ad_x", selected: true });
});
