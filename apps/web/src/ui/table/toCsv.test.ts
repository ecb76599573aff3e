import { expect, it } from "vitest";
import type { Column } from "./column.ts";
import { toCsv } from "./toCsv.ts";

interface Row {
  readonly name: string;
  readonly clicks: number | null;
}

const columns: Column<Row>[] = [
  { id: "name", header: "Campaign", value: (row) => row.name },
  { id: "trend", header: "Trend", value: () => null, pictureOnly: true },
  { id: "clicks", header: "Clicks", value: (row) => row.clicks },
];

it("writes the columns and rows in the order in which they are shown", () => {
  const rows = [
    { name: "Spring", clicks: 12 },
    { name: "Autumn", clicks: -3 },
  ];
  expect(toCsv(rows, columns)).toBe("Campaign,Clicks\r\nSpring,12\r\nAutumn,-3\r\n");
});

it("leaves an unknown figure empty, which is not a zero", () => {
  expect(toCsv([{ name: "Spring", clicks: null }], columns)).toBe("Campaign,Clicks\r\nSpring,\r\n");
});

it("quotes what would break a field and disarms what would run as a formula", () => {
  const rows = [{ name: '=HYPERLINK("x"),1', clicks: 1 }];
  expect(toCsv(rows, columns)).toBe('Campaign,Clicks\r\n"\'=HYPERLINK(""x""),1",1\r\n');
});
