"use client";
import { parseAsBoolean, useQueryState } from "nuqs";

/** Whether the previous period stands beside the present one. In the URL. */
export function useCompare() {
  return useQueryState(
    "compare",
    parseAsBoolean.withDefault(true).withOptions({ history: "push" }),
  );
}
