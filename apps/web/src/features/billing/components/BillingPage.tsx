"use client";
import { useQuery } from "@tanstack/react-query";
import { MINUTE_MS } from "@trueclick/shared/time";
import { parseAsString, useQueryState } from "nuqs";
import type { AccountPageProps } from "../../../shell/components/AccountGate.tsx";
import { PageHeader } from "../../../shell/components/PageHeader.tsx";
import { hasFailed } from "../../../shell/fns/hasFailed.ts";
import { useNow } from "../../../shell/hooks/useNow.ts";
import { useTRPC } from "../../../shell/trpc.tsx";
import { Card } from "../../../ui/Card.tsx";
import { todayIn } from "../../../ui/dateRange/dateRange.ts";
import { FactsProvider } from "../../../ui/Figure.tsx";
import { SkeletonRows } from "../../../ui/Skeleton.tsx";
import { ErrorState } from "../../../ui/States.tsx";
import { monthFacts } from "../fns/monthFacts.ts";
import { useMonth } from "../hooks/useMonth.ts";
import { BilledCampaigns } from "./BilledCampaigns.tsx";
import { BilledDays } from "./BilledDays.tsx";
import { BilledTotals } from "./BilledTotals.tsx";
import { MonthPicker } from "./MonthPicker.tsx";

const DAYS_EXPECTED = 12;

/** A month as it is billed: its days, how final each is, and what each campaign cost. */
export function BillingPage({ account, renderedAtMs }: AccountPageProps) {
  const trpc = useTRPC();
  const presentMonth = todayIn(account.timeZone, useNow(MINUTE_MS, renderedAtMs)).slice(0, 7);
  const { month, setMonth } = useMonth(presentMonth);
  const [day, setDay] = useQueryState("day", parseAsString);
  const billed = useQuery(
    trpc.billing.month.queryOptions(
      { advertiserId: account.id, month },
      { refetchInterval: MINUTE_MS },
    ),
  );
  const chosen = billed.data?.days.find((candidate) => candidate.day === day) ?? null;

  return (
    <FactsProvider
      value={billed.data ? monthFacts(billed.data.finality, billed.dataUpdatedAt, account) : null}
    >
      <PageHeader title="Billing" account={account}>
        <MonthPicker
          month={month}
          presentMonth={presentMonth}
          account={account}
          onChange={(next) => {
            void setMonth(next);
            void setDay(null);
          }}
        />
      </PageHeader>
      {hasFailed(billed) ? (
        <ErrorState title="The billing records cannot be read just now" onRetry={billed.refetch}>
          They are kept and unchanged. Try again in a moment.
        </ErrorState>
      ) : (
        <div className="space-y-4">
          <BilledTotals month={billed.data} account={account} />
          <div className="grid gap-4 xl:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
            <Card bodyClassName="p-0">
              {billed.data === undefined ? (
                <SkeletonRows rows={DAYS_EXPECTED} />
              ) : (
                <BilledDays month={billed.data} account={account} day={day} onChoose={setDay} />
              )}
            </Card>
            <Card bodyClassName="p-0" className="self-start">
              {billed.data === undefined ? (
                <SkeletonRows rows={DAYS_EXPECTED} />
              ) : (
                <BilledCampaigns
                  month={billed.data}
                  day={chosen}
                  onWholeMonth={() => setDay(null)}
                />
              )}
            </Card>
          </div>
        </div>
      )}
    </FactsProvider>
  );
}
