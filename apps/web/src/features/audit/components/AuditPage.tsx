"use client";
import { useQuery } from "@tanstack/react-query";
import { MINUTE_MS } from "@trueclick/shared/time";
import { useSearchParams } from "next/navigation";
import type { AccountPageProps } from "../../../shell/components/AccountGate.tsx";
import { PageHeader } from "../../../shell/components/PageHeader.tsx";
import { hasFailed } from "../../../shell/fns/hasFailed.ts";
import { useNow } from "../../../shell/hooks/useNow.ts";
import { useTRPC } from "../../../shell/trpc.tsx";
import { hrefKeeping, useRange } from "../../../shell/urlState.ts";
import { Card } from "../../../ui/Card.tsx";
import { DateRangePicker } from "../../../ui/dateRange/DateRangePicker.tsx";
import { SkeletonRows } from "../../../ui/Skeleton.tsx";
import { EmptyState, ErrorState } from "../../../ui/States.tsx";
import { DataTable } from "../../../ui/table/DataTable.tsx";
import { versionColumns } from "./versionColumns.tsx";

const ROWS_EXPECTED = 10;

/** Every version that a billing day ever had, which one counts, and the job that made it. */
export function AuditPage({ account, renderedAtMs }: AccountPageProps) {
  const trpc = useTRPC();
  const params = useSearchParams();
  const range = useRange(account.timeZone, useNow(MINUTE_MS, renderedAtMs));
  const versions = useQuery(
    trpc.audit.partitions.queryOptions(
      { advertiserId: account.id, fromDay: range.days.first, toDay: range.days.last },
      { refetchInterval: MINUTE_MS },
    ),
  );
  return (
    <>
      <PageHeader title="Audit" account={account}>
        <DateRangePicker
          key={range.choice}
          value={range.choice}
          days={range.days}
          today={range.today}
          timeZone={account.timeZone}
          onChange={range.setChoice}
        />
      </PageHeader>
      <Card bodyClassName="p-0">
        {hasFailed(versions) && (
          <ErrorState title="The versions cannot be read just now" onRetry={versions.refetch}>
            They are kept and unchanged. Try again in a moment.
          </ErrorState>
        )}
        {versions.data === undefined && !hasFailed(versions) && (
          <SkeletonRows rows={ROWS_EXPECTED} />
        )}
        {versions.data?.length === 0 && (
          <EmptyState title="No day of this period has been counted for billing">
            Days are counted every hour and when they end. To count now:{" "}
            <code>npx trueclick batch run</code>.
          </EmptyState>
        )}
        {versions.data !== undefined && versions.data.length > 0 && (
          <DataTable
            label="Versions of billing days"
            caption="Versions of billing days"
            columns={versionColumns(account.timeZone, {
              job: ({ jobId }) => hrefKeeping(`/audit/jobs/${jobId}`, params),
              changes: ({ billingDay, version }) =>
                hrefKeeping(`/audit/days/${billingDay}/${version}`, params),
            })}
            rows={versions.data}
            rowKey={(row) => `${row.billingDay}/${row.version}`}
            maxHeight="calc(100dvh - 13rem)"
          />
        )}
      </Card>
    </>
  );
}
