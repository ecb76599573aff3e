"use client";
import { useQuery } from "@tanstack/react-query";
import { ArrowLeft } from "lucide-react";
import Link from "next/link";
import { useParams, useSearchParams } from "next/navigation";
import type { AccountPageProps } from "../../../shell/components/AccountGate.tsx";
import { PageHeader } from "../../../shell/components/PageHeader.tsx";
import { formatDay } from "../../../shell/fns/format.ts";
import { useTRPC } from "../../../shell/trpc.tsx";
import { hrefKeeping } from "../../../shell/urlState.ts";
import { Card } from "../../../ui/Card.tsx";
import { Skeleton } from "../../../ui/Skeleton.tsx";
import { EmptyState, ErrorState } from "../../../ui/States.tsx";
import { DataTable } from "../../../ui/table/DataTable.tsx";
import { diffSentence, inOrder } from "../fns/prepareDiff.ts";
import { movedColumns } from "./movedColumns.tsx";
import { VersionCauses } from "./VersionCauses.tsx";

/** What a version of a billing day changed of the one before it, and why. */
export function VersionPage({ account }: AccountPageProps) {
  const trpc = useTRPC();
  const params = useSearchParams();
  const route = useParams<{ day: string; version: string }>();
  const after = Number(route.version);
  const asked = { advertiserId: account.id, day: route.day, before: after - 1, after };
  const diff = useQuery(trpc.audit.versionDiff.queryOptions(asked));
  return (
    <>
      <Link
        href={hrefKeeping("/audit", params)}
        className="mb-2 inline-flex items-center gap-1.5 text-sm text-ink-2 hover:text-ink"
      >
        <ArrowLeft size={14} aria-hidden />
        All versions
      </Link>
      <PageHeader title={`${formatDay(route.day)}, version ${after}`} account={account} />
      {diff.isError && (
        <ErrorState title="These versions cannot be compared" onRetry={diff.refetch}>
          {diff.error.data?.code === "NOT_FOUND"
            ? `${account.name} has no versions ${after - 1} and ${after} of this day.`
            : "Both are kept. Try again in a moment."}
        </ErrorState>
      )}
      {diff.data === undefined && !diff.isError && <Skeleton className="h-96" />}
      {diff.data !== undefined && (
        <div className="space-y-4">
          <p className="text-base text-ink">{diffSentence(diff.data)}</p>
          <VersionCauses diff={diff.data} timeZone={account.timeZone} />
          <Card bodyClassName="p-0">
            {diff.data.moved.length === 0 ? (
              <EmptyState title="No count differs">
                Both versions tell the same of every campaign and verdict.
              </EmptyState>
            ) : (
              <DataTable
                label={`Changes of ${route.day}, version ${after}`}
                caption="What changed"
                columns={movedColumns(diff.data, account.timeZone)}
                rows={inOrder(diff.data.moved)}
                rowKey={(row) => `${row.campaign}/${row.eventType}/${row.verdict}`}
                maxHeight="calc(100dvh - 24rem)"
              />
            )}
          </Card>
        </div>
      )}
    </>
  );
}
