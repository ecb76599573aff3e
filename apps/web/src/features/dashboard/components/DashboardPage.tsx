"use client";
import { MINUTE_MS } from "@trueclick/shared/time";
import Link from "next/link";
import { useSearchParams } from "next/navigation";
import { isFullyCounted } from "../../../report/fns/coverageOf.ts";
import { factsOf } from "../../../report/fns/factsOf.ts";
import { useFrame, useReport } from "../../../report/hooks/useReport.ts";
import type { AccountPageProps } from "../../../shell/components/AccountGate.tsx";
import { PageHeader } from "../../../shell/components/PageHeader.tsx";
import { ModeSwitch } from "../../../shell/components/TopBar.tsx";
import { hasFailed } from "../../../shell/fns/hasFailed.ts";
import { useNow } from "../../../shell/hooks/useNow.ts";
import { hrefKeeping, useFilters, useMode, useRange } from "../../../shell/urlState.ts";
import { useMay } from "../../../shell/viewer.tsx";
import { DateRangePicker } from "../../../ui/dateRange/DateRangePicker.tsx";
import { FactsProvider } from "../../../ui/Figure.tsx";
import { ErrorState } from "../../../ui/States.tsx";
import { useCompare } from "../hooks/useCompare.ts";
import { BreakdownCard } from "./BreakdownCard.tsx";
import { CampaignsCard } from "./CampaignsCard.tsx";
import { ClicksCard } from "./ClicksCard.tsx";
import { CompareToggle } from "./CompareToggle.tsx";
import { FilterChips } from "./FilterChips.tsx";
import { StaleNotice } from "./StaleNotice.tsx";
import { Totals } from "./Totals.tsx";

/** The page that a marketer keeps open: totals, their course, and where they come from. */
export function DashboardPage({ account, renderedAtMs }: AccountPageProps) {
  const minuteMs = useNow(MINUTE_MS, renderedAtMs);
  const params = useSearchParams();
  const mayReadDrift = useMay("drift:read");
  const [mode] = useMode();
  const [filters, setFilters] = useFilters();
  const [compare, setCompare] = useCompare();
  const range = useRange(account.timeZone, minuteMs);
  const frame = useFrame({ account, mode, filters }, range.instants);
  const previousFrame = useFrame({ account, mode, filters }, range.previousInstants);

  const totals = useReport(frame, { granularity: "total", dimensions: [] });
  const previous = useReport(previousFrame, {
    granularity: "total",
    dimensions: [],
    slower: null,
    enabled: compare,
  });

  const comparable =
    compare && previous.data && isFullyCounted(previous.data.meta, previousFrame)
      ? previous.data
      : undefined;

  return (
    <FactsProvider value={totals.data ? factsOf(totals.data.meta, account.timeZone) : null}>
      <PageHeader title="Overview" account={account}>
        <DateRangePicker
          key={range.choice}
          value={range.choice}
          days={range.days}
          today={range.today}
          timeZone={account.timeZone}
          onChange={range.setChoice}
        />
        <CompareToggle pressed={compare} onChange={setCompare} />
        <FilterChips account={account} filters={filters} onChange={setFilters} />
        {mode === "billing" && mayReadDrift && (
          <Link
            href={hrefKeeping("/drift", params)}
            className="text-sm text-accent hover:underline"
          >
            Why does it differ from the live estimate?
          </Link>
        )}
        <div className="md:hidden">
          <ModeSwitch />
        </div>
      </PageHeader>
      {hasFailed(totals) ? (
        <ErrorState title="The figures cannot be read just now" onRetry={() => totals.refetch()}>
          Nothing is lost: clicks are still being received and kept. The page tries again by itself.
        </ErrorState>
      ) : (
        <div className="space-y-4">
          <StaleNotice query={totals} mode={mode} />
          <Totals account={account} report={totals.data} previous={comparable} />
          <ClicksCard frame={frame} previousFrame={compare ? previousFrame : null} />
          <div className="grid gap-4 xl:grid-cols-[minmax(0,7fr)_minmax(0,4fr)]">
            <CampaignsCard
              frame={frame}
              previousFrame={compare ? previousFrame : null}
              selected={filters.campaign}
              onSelect={(campaign) => setFilters({ campaign })}
            />
            <BreakdownCard frame={frame} filters={filters} onChange={setFilters} />
          </div>
        </div>
      )}
    </FactsProvider>
  );
}
