import { expect, it } from "vitest";
import { toCsv } from "./csv.ts";

it("quotes what would break a row", () => {
  const csv = toCsv(["name", "clicks"], [{ name: 'Shoes, "red"\nand more', clicks: 3 }]);
  expect(csv).toBe('name,clicks\r\n"Shoes, ""red""\nand more",3\r\n');
});

// A campaign's name is its advertiser's choice, and an account manager opens the file.
it.each(["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1"])("defuses the formula %j", (name) => {
  expect(toCsv(["name"], [{ name }]).split("\r\n")[1]?.replace(/^"/, "")).toMatch(/^'/);
});

it("leaves negative amounts alone", () => {
  expect(toCsv(["micros"], [{ micros: -5 }, { micros: -7n }])).toBe("micros\r\n-5\r\n-7\r\n");
});

it("writes unknown as empty", () => {
  expect(toCsv(["a", "b"], [{ a: null, b: 0 }])).toBe("a,b\r\n,0\r\n");
});
