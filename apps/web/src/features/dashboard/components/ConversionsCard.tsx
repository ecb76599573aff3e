import { useQuery } from "@tanstack/react-query";
import { formatCount, formatMoney } from "../../../shell/fns/format.ts";
import { useTRPC } from "../../../shell/trpc.tsx";
import type { AccountSummary } from "../../../shell/viewer.tsx";
import { StatCard } from "../../../ui/StatCard.tsx";
import { lookbackText } from "../fns/lookbackText.ts";
import type { prepareTotals } from "../fns/prepareTotals.ts";

interface ConversionsCardProps {
  readonly account: AccountSummary;
  readonly totals: ReturnType<typeof prepareTotals>;
  readonly loading: boolean;
}

/** Conversions that clicks were credited with, and of how many; which click is credited, in place. */
export function ConversionsCard({ account, totals, loading }: ConversionsCardProps) {
  const trpc = useTRPC();
  const campaigns = useQuery(trpc.campaigns.list.queryOptions({ advertiserId: account.id }));
  const { conversions, creditedConversions, creditedValueMicros } = totals;
  const isKnown = creditedConversions !== null;
  const worth =
    creditedValueMicros === null || creditedValueMicros === 0
      ? ""
      : `, worth ${formatMoney(creditedValueMicros, account.currency)}`;
  return (
    <StatCard
      label="Conversions"
      means={`Conversions credited to the last valid click before them, ${lookbackText(
        campaigns.data?.map(({ lookbackDays }) => lookbackDays) ?? [],
      )}. Credited with the billing figures.`}
      value={isKnown ? formatCount(creditedConversions) : null}
      delta={totals.deltas.conversions}
      loading={loading}
      footnote={
        isKnown ? `of ${formatCount(conversions)}${worth}` : `${formatCount(conversions)} received`
      }
    />
  );
}
