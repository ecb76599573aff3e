import type { JobProgress } from "@trueclick/db/queries/jobs";
import { formatMicros } from "@trueclick/shared/money";
import { formatTable } from "../terminal/table.ts";

/** Jobs as a table for people. */
export function formatJobs(jobs: readonly JobProgress[]): string {
  return formatTable(
    ["day", "advertiser", "job", "state", "version", "cost"],
    jobs.map((job) => [
      job.billingDay,
      job.advertiserId,
      String(job.id),
      stateText(job),
      job.version === null ? "" : String(job.version),
      job.costMicros === null || job.currency === null
        ? (job.error ?? "")
        : formatMicros(job.costMicros, job.currency),
    ]),
  );
}

function stateText({ state, step, slicesDone, slicesTotal }: JobProgress): string {
  if (state === "verified") return "verified (as it was)";
  if (state !== "running" || step === null) return state;
  const slices = step === "judge" ? ` ${slicesDone ?? 0}/${slicesTotal ?? 0}` : "";
  return `${state}: ${step.replace("_", " ")}${slices}`;
}

/** The same for scripts. */
export function toJobJson(job: JobProgress) {
  return {
    id: job.id,
    advertiser_id: job.advertiserId,
    billing_day: job.billingDay,
    state: job.state,
    step: job.step,
    slices_done: job.slicesDone,
    slices_total: job.slicesTotal,
    version: job.version,
    cost_micros: job.costMicros,
    currency: job.currency,
    error: job.error,
    finished_at: job.finishedAt?.toISOString() ?? null,
  };
}
