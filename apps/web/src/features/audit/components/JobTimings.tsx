import type { JobStep } from "@trueclick/db/postgres/schema/truth";
import { formatDuration } from "../../../shell/fns/format.ts";

const WORDS: Readonly<Record<JobStep, string>> = {
  pin: "Pin inputs",
  check_objects: "Check the files",
  judge: "Judge and price",
  attribute: "Attribute",
  publish: "Publish",
};
/** In their order; a step of another version of the program is called by its code, and comes last. */
const STEP_WORDS = new Map(Object.entries(WORDS));
const ORDER = [...STEP_WORDS.keys()];
const placeOf = (step: string) => (ORDER.includes(step) ? ORDER.indexOf(step) : ORDER.length);

interface JobTimingsProps {
  /** Milliseconds by step. */
  readonly timings: Readonly<Record<string, number>>;
}

export function JobTimings({ timings }: JobTimingsProps) {
  const steps = Object.entries(timings).sort(([a], [b]) => placeOf(a) - placeOf(b));
  const longestMs = Math.max(1, ...steps.map(([, ms]) => ms));
  if (steps.length === 0) return <p className="text-sm text-ink-3">Not measured.</p>;
  return (
    <ul className="space-y-1 text-sm">
      {steps.map(([step, ms]) => (
        <li key={step} className="grid h-7 grid-cols-[8rem_1fr_5rem] items-center gap-3">
          <span className="truncate text-ink-2">{STEP_WORDS.get(step) ?? step}</span>
          <span aria-hidden className="h-2">
            <span
              className="block h-full min-w-0.5 rounded-xs bg-accent"
              style={{ width: `${(ms / longestMs) * 100}%` }}
            />
          </span>
          <span className="text-right tabular-nums">{formatDuration(ms)}</span>
        </li>
      ))}
    </ul>
  );
}
