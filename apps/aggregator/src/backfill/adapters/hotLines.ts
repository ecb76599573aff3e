import {
  dropHotLines,
  forgetHotLines,
  hoursWithoutLines,
  writeHotLines,
} from "@trueclick/db/queries/writeHotLines";
import type { Stores } from "@trueclick/db/stores";
import type { HotLines } from "../ports/hotLines.ts";

/** Lines in Postgres, of what ClickHouse says. */
export function createHotLines(stores: Pick<Stores, "db" | "clickhouse">): HotLines {
  return {
    write: (hoursMs) => writeHotLines(stores, hoursMs),
    forget: (hoursMs) => forgetHotLines(stores, hoursMs),
    missing: (range, hoursMax) => hoursWithoutLines(stores, range, hoursMax),
    drop: (beforeMs) => dropHotLines(stores, beforeMs),
  };
}
