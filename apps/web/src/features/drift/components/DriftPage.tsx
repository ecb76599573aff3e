"use client";
import { useQuery } from "@tanstack/react-query";
import { MINUTE_MS } from "@trueclick/shared/time";
import type { AccountPageProps } from "../../../shell/components/AccountGate.tsx";
import { PageHeader } from "../../../shell/components/PageHeader.tsx";
import { formatInstant } from "../../../shell/fns/format.ts";
import { hasFailed } from "../../../shell/fns/hasFailed.ts";
import { useNow } from "../../../shell/hooks/useNow.ts";
import { useTRPC } from "../../../shell/trpc.tsx";
import { useRange } from "../../../shell/urlState.ts";
import { Card } from "../../../ui/Card.tsx";
import { DateRangePicker } from "../../../ui/dateRange/DateRangePicker.tsx";
import { dayCount } from "../../../ui/dateRange/dateRange.ts";
import { FactsProvider } from "../../../ui/Figure.tsx";
import { Skeleton, SkeletonRows } from "../../../ui/Skeleton.tsx";
import { EmptyState, ErrorState } from "../../../ui/States.tsx";
import { driftSentence, summariseDrift } from "../fns/prepareDrift.ts";
import { DriftBars } from "./DriftBars.tsx";
import { DriftTable } from "./DriftTable.tsx";

const ROWS_EXPECTED = 10;
/** Longer ones the server refuses: campaigns times hours would be more than anybody reads. */
const RANGE_DAYS_MAX = 31;

/** Why live estimate and billing differ: in a sentence, by cause, and by campaign and hour. */
export function DriftPage({ account, renderedAtMs }: AccountPageProps) {
  const trpc = useTRPC();
  const range = useRange(account.timeZone, useNow(MINUTE_MS, renderedAtMs));
  const tooLong = dayCount(range.days) > RANGE_DAYS_MAX;
  const drift = useQuery(
    trpc.drift.byCampaignHour.queryOptions(
      { advertiserId: account.id, ...range.instants },
      { refetchInterval: MINUTE_MS, enabled: !tooLong },
    ),
  );
  const summary = drift.data && summariseDrift(drift.data.rows);
  return (
    <FactsProvider
      value={{
        finality: "live",
        asOf: formatInstant(drift.dataUpdatedAt, account.timeZone),
        store: "Live counters and billing records, side by side",
      }}
    >
      <PageHeader title="Drift" account={account}>
        <DateRangePicker
          key={range.choice}
          value={range.choice}
          days={range.days}
          today={range.today}
          timeZone={account.timeZone}
          onChange={range.setChoice}
        />
      </PageHeader>
      {tooLong || hasFailed(drift) ? (
        <NoComparison tooLong={tooLong} onRetry={drift.refetch} />
      ) : (
        <div className="space-y-4">
          <Card title="Why do live estimate and billing differ?">
            {summary === undefined ? (
              <Skeleton className="h-44" />
            ) : (
              <>
                <p className="mb-4 max-w-3xl text-lg leading-7 text-ink">
                  {driftSentence(summary)}
                </p>
                <DriftBars summary={summary} />
              </>
            )}
          </Card>
          <Card bodyClassName="p-0">
            {drift.data === undefined && <SkeletonRows rows={ROWS_EXPECTED} />}
            {drift.data?.rows.length === 0 && (
              <EmptyState title="Nothing to compare in this period">
                Neither side has counted a click. Choose another period.
              </EmptyState>
            )}
            {drift.data !== undefined && drift.data.rows.length > 0 && (
              <DriftTable rows={drift.data.rows} timeZone={account.timeZone} />
            )}
          </Card>
        </div>
      )}
    </FactsProvider>
  );
}

interface NoComparisonProps {
  readonly tooLong: boolean;
  readonly onRetry: () => void;
}

function NoComparison({ tooLong, onRetry }: NoComparisonProps) {
  if (tooLong) {
    return (
      <EmptyState title="This period is too long to compare" className="pt-24">
        At most {RANGE_DAYS_MAX} days can be compared at once. Choose a shorter period.
      </EmptyState>
    );
  }
  return (
    <ErrorState title="The comparison cannot be made just now" onRetry={onRetry}>
      Both counts are kept. Try again in a moment.
    </ErrorState>
  );
}
