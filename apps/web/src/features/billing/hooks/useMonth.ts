"use client";
import { createParser, useQueryState } from "nuqs";
import { isMonth } from "../fns/months.ts";

const monthParser = createParser({
  parse: (text) => (isMonth(text) ? text : null),
  serialize: (month) => month,
}).withOptions({ history: "push" });

/** The month in sight, from the URL; the present one of the account when it says none. */
export function useMonth(presentMonth: string) {
  const [month, setMonth] = useQueryState("month", monthParser);
  return { month: month ?? presentMonth, setMonth };
}
