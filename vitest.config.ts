import { defineConfig } from "vitest/config";
import { LongestFirst } from "./scripts/longestFirst.ts";

/** Of every project: property tests draw the same at every run. */
const SETUP = ["scripts/propertySeed.ts"];
const SHARED_EXCLUDES = ["**/node_modules/**", "**/.next/**"];

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: "unit",
          include: ["{apps,packages,scripts,bench}/**/*.test.{ts,tsx}"],
          exclude: [...SHARED_EXCLUDES, "**/*.integration.test.ts"],
          setupFiles: SETUP,
          pool: "threads",
          // Files share the modules they load: half of the processor time, on two cores.
          isolate: false,
          // Property tests run hundreds of cases, and the machine may be busy with something else.
          testTimeout: 180_000,
          expect: { poll: { timeout: 120_000 } },
        },
      },
      {
        test: {
          name: "integration",
          include: ["{apps,packages}/**/*.integration.test.ts"],
          exclude: SHARED_EXCLUDES,
          // Engines start once for the whole run; every file takes databases of its own.
          setupFiles: SETUP,
          globalSetup: ["packages/local-stack/src/testing/globalSetup.ts"],
          pool: "forks",
          // As above: each file alone takes 1.2 s of the processor to load what all of them load.
          isolate: false,
          // They wait for engines and killed processes more than they compute: three keep two cores
          // busy, where the default there, one, would idle.
          maxWorkers: 3,
          // For a machine that has much else to do: who passes has no use for them.
          testTimeout: 240_000,
          hookTimeout: 240_000,
          expect: { poll: { timeout: 120_000 } },
        },
      },
      {
        test: {
          name: "pipeline",
          include: ["e2e/pipeline/**/*.test.ts"],
          exclude: SHARED_EXCLUDES,
          // A whole stack of processes each, which wait for one another half of the time. The longest file
          // begins, and takes as long as all others one after the other.
          maxWorkers: 2,
          pool: "forks",
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
