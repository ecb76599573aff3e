"use client";
import { useQuery } from "@tanstack/react-query";
import { ArrowLeft } from "lucide-react";
import Link from "next/link";
import { useParams, useSearchParams } from "next/navigation";
import type { AccountPageProps } from "../../../shell/components/AccountGate.tsx";
import { PageHeader } from "../../../shell/components/PageHeader.tsx";
import { useTRPC } from "../../../shell/trpc.tsx";
import { hrefKeeping } from "../../../shell/urlState.ts";
import { Card } from "../../../ui/Card.tsx";
import { Skeleton } from "../../../ui/Skeleton.tsx";
import { ErrorState } from "../../../ui/States.tsx";
import { type Job, JobFacts } from "./JobFacts.tsx";
import { JobObjects } from "./JobObjects.tsx";
import { JobTimings } from "./JobTimings.tsx";
import { VerificationCard } from "./VerificationCard.tsx";

/** How often the progress of a job that has not ended is read again. */
const PROGRESS_MS = 2_000;

const isUnderWay = (job: Pick<Job, "state"> | undefined) =>
  job?.state === "queued" || job?.state === "running";

/** One recount of one day with everything that it was made of. */
export function JobPage({ account }: AccountPageProps) {
  const trpc = useTRPC();
  const params = useSearchParams();
  const { id } = useParams<{ id: string }>();
  const job = useQuery(
    trpc.audit.job.queryOptions(
      { advertiserId: account.id, jobId: Number(id) },
      { refetchInterval: ({ state: { data } }) => (isUnderWay(data) ? PROGRESS_MS : false) },
    ),
  );
  return (
    <>
      <Link
        href={hrefKeeping("/audit", params)}
        className="mb-2 inline-flex items-center gap-1.5 text-sm text-ink-2 hover:text-ink"
      >
        <ArrowLeft size={14} aria-hidden />
        All versions
      </Link>
      <PageHeader title={`Job #${id}`} account={account} />
      {job.isError && (
        <ErrorState title="This job cannot be shown" onRetry={job.refetch}>
          {job.error.data?.code === "NOT_FOUND"
            ? `${account.name} has no job of this number.`
            : "It is kept. Try again in a moment."}
        </ErrorState>
      )}
      {job.data === undefined && !job.isError && <Skeleton className="h-96" />}
      {job.data !== undefined && (
        <div className="space-y-4">
          <div className="grid gap-4 lg:grid-cols-2">
            <JobFacts job={job.data} timeZone={account.timeZone} />
            <Card title="Where the time went">
              <JobTimings timings={job.data.timings ?? {}} />
            </Card>
          </div>
          {job.data.version !== null && (
            <VerificationCard
              account={account}
              day={job.data.billingDay}
              version={job.data.version}
              contentHash={job.data.contentHash}
            />
          )}
          <JobObjects job={job.data} />
          <Card title="Pinned inputs">
            <p className="mb-3 text-sm text-ink-2">
              Zone, bounds, campaigns, rates and rules as they were when the day was counted. The
              same inputs always give the same result.
            </p>
            <pre className="max-h-96 overflow-auto rounded-lg bg-sunken p-3 font-mono text-xs">
              {JSON.stringify(job.data.inputs, null, 2)}
            </pre>
          </Card>
        </div>
      )}
    </>
  );
}
