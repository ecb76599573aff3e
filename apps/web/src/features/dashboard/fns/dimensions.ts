import type { FilterDimension } from "../../../shell/urlState.ts";

/** The words of each dimension: one of it, and the parts of a whole. */
export const DIMENSION_WORDS: Readonly<
  Record<FilterDimension, { readonly one: string; readonly many: string }>
> = {
  campaign: { one: "Campaign", many: "Campaigns" },
  geo: { one: "Country", many: "Countries" },
  device: { one: "Device", many: "Devices" },
  publisher: { one: "Publisher", many: "Publishers" },
  ad: { one: "Ad", many: "Ads" },
};

const REGION_NAMES = new Intl.DisplayNames("en", { type: "region", fallback: "code" });
const DEVICE_WORDS: Readonly<Record<string, string>> = {
  desktop: "Desktop",
  mobile: "Phone",
  tablet: "Tablet",
  tv: "TV",
  other: "Other",
};

/** A dimension's value as people call it; an unknown one as it is. */
export function valueWord(dimension: FilterDimension, value: string): string {
  if (dimension === "device") return DEVICE_WORDS[value] ?? value;
  if (dimension !== "geo") return value === "" ? "Not named" : value;
  if (value === "ZZ" || value === "") return "Unknown country";
  return /^[A-Z]{2}$/.test(value) ? (REGION_NAMES.of(value) ?? value) : value;
}
