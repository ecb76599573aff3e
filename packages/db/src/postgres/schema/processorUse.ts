import { pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { instant, whole } from "./columns.ts";

/** Processor time of programs that events pass through, of all their processes together, by UTC hour. */
export const processorUse = pgTable(
  "processor_use",
  {
    program: text().notNull(),
    /** Start of the hour in which it was noted. */
    hour: instant().notNull(),
    cpuMs: whole().notNull(),
  },
  (table) => [primaryKey({ columns: [table.program, table.hour] })],
);

/** What a counter that only grows, and begins anew with its engine, said when it was read last. */
export const engineCounters = pgTable("engine_counters", {
  name: text().primaryKey(),
  value: whole().notNull(),
});
