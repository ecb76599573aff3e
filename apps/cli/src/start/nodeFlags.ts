/** What Node.js is told when it runs one of our programs. */

/** Bounds of the JavaScript heaps, MiB: together with the engines at most 3 GiB. */
const HEAP_MIB = { ingest: 256, aggregator: 384, web: 384, demo: 128 } as const;
export type ProgramName = keyof typeof HEAP_MIB;

/**
 * So far the edge's heap may grow before all of it is collected for the first time, MiB. Left to
 * itself V8 begins at a few, and takes the bodies outside the heap for a reason to start over and over
 * again (decision 0058).
 */
const INGEST_HEAP_AT_FIRST_MIB = 128;

/**
 * Half of the young generation that V8 would take, MiB: so it is collected, and with it the bodies
 * outside the heap that are no longer used, before those reach the 64 MiB at which V8 collects
 * everything (decision 0078).
 */
const INGEST_YOUNG_MIB = 8;

export function nodeFlags(name: ProgramName): readonly string[] {
  const flags = [`--max-old-space-size=${HEAP_MIB[name]}`, "--disable-warning=ExperimentalWarning"];
  if (name !== "ingest") return flags;
  return [
    ...flags,
    `--initial-old-space-size=${INGEST_HEAP_AT_FIRST_MIB}`,
    `--max-semi-space-size=${INGEST_YOUNG_MIB}`,
  ];
}
