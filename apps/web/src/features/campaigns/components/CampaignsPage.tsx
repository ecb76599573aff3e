"use client";
import { useQuery } from "@tanstack/react-query";
import { MINUTE_MS } from "@trueclick/shared/time";
import { useSearchParams } from "next/navigation";
import { factsOf } from "../../../report/fns/factsOf.ts";
import { useFrame, useReport } from "../../../report/hooks/useReport.ts";
import type { AccountPageProps } from "../../../shell/components/AccountGate.tsx";
import { PageHeader } from "../../../shell/components/PageHeader.tsx";
import { ModeSwitch } from "../../../shell/components/TopBar.tsx";
import { hasFailed } from "../../../shell/fns/hasFailed.ts";
import { useNow } from "../../../shell/hooks/useNow.ts";
import { useTRPC } from "../../../shell/trpc.tsx";
import { hrefKeeping, NO_FILTERS, useMode, useRange } from "../../../shell/urlState.ts";
import { Card } from "../../../ui/Card.tsx";
import { DateRangePicker } from "../../../ui/dateRange/DateRangePicker.tsx";
import { FactsProvider } from "../../../ui/Figure.tsx";
import { FinalityBadge } from "../../../ui/FinalityBadge.tsx";
import { SkeletonRows } from "../../../ui/Skeleton.tsx";
import { EmptyState, ErrorState } from "../../../ui/States.tsx";
import { DataTable } from "../../../ui/table/DataTable.tsx";
import { prepareList } from "../fns/prepareList.ts";
import { listColumns } from "./listColumns.tsx";

const ROWS_EXPECTED = 8;

/** Every campaign with its rate, its budget and what it did in the period. */
export function CampaignsPage({ account, renderedAtMs }: AccountPageProps) {
  const trpc = useTRPC();
  const params = useSearchParams();
  const minuteMs = useNow(MINUTE_MS, renderedAtMs);
  const [mode] = useMode();
  const range = useRange(account.timeZone, minuteMs);
  const frame = useFrame({ account, mode, filters: NO_FILTERS }, range.instants);
  const campaigns = useQuery(trpc.campaigns.list.queryOptions({ advertiserId: account.id }));
  const report = useReport(frame, { granularity: "total", dimensions: ["campaign"] });

  const rows =
    campaigns.data && report.data
      ? prepareList(campaigns.data, report.data.rows, minuteMs)
      : undefined;
  const columns = listColumns(account.currency, (id) => hrefKeeping("/", params, { campaign: id }));
  const failed = hasFailed(campaigns) || hasFailed(report);

  return (
    <FactsProvider value={report.data ? factsOf(report.data.meta, account.timeZone) : null}>
      <PageHeader title="Campaigns" account={account}>
        <DateRangePicker
          key={range.choice}
          value={range.choice}
          days={range.days}
          today={range.today}
          timeZone={account.timeZone}
          onChange={range.setChoice}
        />
        <div className="md:hidden">
          <ModeSwitch />
        </div>
      </PageHeader>
      <Card bodyClassName="p-0">
        {failed && (
          <ErrorState title="The campaigns cannot be read just now" onRetry={report.refetch}>
            Nothing is lost: clicks are still being received and kept.
          </ErrorState>
        )}
        {rows === undefined && !failed && <SkeletonRows rows={ROWS_EXPECTED} />}
        {rows?.length === 0 && (
          <EmptyState title="No campaign yet">
            Import campaigns from a CSV file: <code>npx trueclick campaigns import FILE</code>.
            Clicks that came before are kept, and counted then.
          </EmptyState>
        )}
        {rows !== undefined && rows.length > 0 && (
          <DataTable
            label="Campaigns"
            caption={
              <span className="flex items-center gap-3">
                {rows.length} campaigns
                {report.data && <FinalityBadge finality={report.data.meta.finality} />}
              </span>
            }
            columns={columns}
            rows={rows}
            rowKey={(row) => row.id}
            initialSort={{ column: "clicks", descending: true }}
            maxHeight="calc(100dvh - 13rem)"
          />
        )}
      </Card>
    </FactsProvider>
  );
}
