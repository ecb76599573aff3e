import type { ReactNode } from "react";
import type { ApiOutputs } from "../../../shell/apiTypes.ts";
import { formatDay, formatInstant } from "../../../shell/fns/format.ts";
import { Card } from "../../../ui/Card.tsx";
import { Term } from "../../../ui/Term.tsx";
import { Hash } from "./Hash.tsx";

export type Job = ApiOutputs["audit"]["job"];

const STATE_WORDS: Readonly<
  Record<Job["state"], { readonly word: string; readonly means: string }>
> = {
  queued: { word: "Waiting", means: "Asked for, and not begun yet." },
  running: { word: "Running", means: "Being counted now." },
  published: { word: "Published", means: "Its result became the current version of the day." },
  verified: { word: "Verified", means: "It came to the same result, so nothing was published." },
  failed: {
    word: "Failed",
    means: "It stopped before publishing; the version before still counts.",
  },
  cancelled: { word: "Cancelled", means: "It was called off before it counted." },
};

const STEP_WORDS: Readonly<Record<NonNullable<Job["step"]>, string>> = {
  pin: "pinning its inputs",
  check_objects: "checking the archive",
  judge: "judging",
  attribute: "crediting conversions",
  publish: "publishing",
};

interface JobFactsProps {
  readonly job: Job;
  readonly timeZone: string;
}

export function JobFacts({ job, timeZone }: JobFactsProps) {
  const instant = (time: Date | null) =>
    time === null ? "–" : formatInstant(time.getTime(), timeZone);
  const state = STATE_WORDS[job.state];
  return (
    <Card title={`${formatDay(job.billingDay)}, ${job.billingDay.slice(0, 4)}`}>
      <dl className="grid grid-cols-[9rem_1fr] items-center gap-y-2 text-sm">
        <Fact name="State">
          <Term means={state.means}>{state.word}</Term>
          {job.state === "running" && job.step !== null && `: ${progressText(job)}`}
        </Fact>
        <Fact name="Version">{job.version ?? "none"}</Fact>
        <Fact name="Why">{job.reason}</Fact>
        <Fact name="Asked by">{job.requestedBy}</Fact>
        <Fact name="Started">{instant(job.startedAt)}</Fact>
        <Fact name="Finished">{instant(job.finishedAt)}</Fact>
        <Fact name="Program">{job.codeVersion ?? "–"}</Fact>
        <Fact name="Inputs">
          {job.inputsHash === null ? (
            "–"
          ) : (
            <Hash value={job.inputsHash} label="inputs fingerprint" />
          )}
        </Fact>
        <Fact name="Result">
          {job.contentHash === null ? (
            "–"
          ) : (
            <Hash value={job.contentHash} label="result fingerprint" />
          )}
        </Fact>
        {job.error !== null && <Fact name="Error">{job.error}</Fact>}
      </dl>
    </Card>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <>
      <dt className="text-ink-3">{name}</dt>
      <dd className="min-w-0 break-words">{children}</dd>
    </>
  );
}

function progressText({ step, slicesDone, slicesTotal }: Job): string {
  if (step === null) return "";
  const slices = step === "judge" ? `, ${slicesDone ?? 0} of ${slicesTotal ?? 0} parts` : "";
  return STEP_WORDS[step] + slices;
}
