"use client";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { SECOND_MS } from "@trueclick/shared/time";
import { formatMoney, formatPercent } from "../../../shell/fns/format.ts";
import { useTRPC } from "../../../shell/trpc.tsx";
import type { AccountSummary } from "../../../shell/viewer.tsx";
import { StatCard } from "../../../ui/StatCard.tsx";
import { preparePacing } from "../fns/preparePacing.ts";

const REFRESH_MS = 5 * SECOND_MS;

/** Today's spend against the daily budgets, whatever period the page shows. */
export function PacingCard({ account }: { readonly account: AccountSummary }) {
  const trpc = useTRPC();
  const query = useQuery(
    trpc.dashboard.pacing.queryOptions(
      { advertiserId: account.id },
      { placeholderData: keepPreviousData, refetchInterval: REFRESH_MS },
    ),
  );
  const pacing = preparePacing(query.data?.rows ?? []);
  return (
    <StatCard
      label="Pacing"
      means="What the campaigns have spent today of their daily budgets, by the live estimate, and where the day will end."
      value={pacing === null ? null : formatPercent(pacing.share)}
      loading={query.isPending}
      footnote={pacing === null ? "no daily budgets" : footnoteOf(pacing, account.currency)}
    />
  );
}

function footnoteOf(
  { over, projectedMicros }: NonNullable<ReturnType<typeof preparePacing>>,
  currency: string,
) {
  if (over.length > 0) {
    const text = over.length === 1 ? "1 campaign over budget" : `${over.length} over budget`;
    return (
      <span className="font-medium text-bad" title={over.join(", ")}>
        {text}
      </span>
    );
  }
  return projectedMicros === null ? "today" : `ends near ${formatMoney(projectedMicros, currency)}`;
}
