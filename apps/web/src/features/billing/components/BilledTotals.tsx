import type { ApiOutputs } from "../../../shell/apiTypes.ts";
import { formatCount, formatDay, formatMoney, formatPercent } from "../../../shell/fns/format.ts";
import type { AccountSummary } from "../../../shell/viewer.tsx";
import { FinalityBadge } from "../../../ui/FinalityBadge.tsx";
import { StatCard } from "../../../ui/StatCard.tsx";

interface BilledTotalsProps {
  readonly month: ApiOutputs["billing"]["month"] | undefined;
  readonly account: AccountSummary;
}

export function BilledTotals({ month, account }: BilledTotalsProps) {
  const loading = month === undefined;
  const totals = month?.totals;
  const invalid = totals === undefined ? 0n : totals.grossClicks - totals.clicks;
  const counted = month?.days.filter((day) => day.version !== null).length ?? 0;
  const empty = month?.days.filter((day) => day.isEmpty).length ?? 0;
  const final = month?.days.filter((day) => isFinal(day.finality)).length ?? 0;
  return (
    <div className="flex snap-x scroll-px-3 gap-3 overflow-x-auto max-md:-mx-3 max-md:px-3">
      <StatCard
        label="To be billed"
        means="The cost of the valid clicks of this month, each at the rate of its time."
        value={totals && formatMoney(totals.costMicros, account.currency)}
        loading={loading}
        footnote={
          month && (
            <>
              <FinalityBadge finality={month.finality} /> final on {formatDay(month.finalOn)}
            </>
          )
        }
      />
      <StatCard
        label="Valid clicks"
        means="Clicks that count: without duplicates, robots and other invalid traffic."
        value={totals && formatCount(Number(totals.clicks))}
        loading={loading}
        footnote={`of ${formatCount(Number(totals?.grossClicks ?? 0n))} received`}
      />
      <StatCard
        label="Not billed"
        means="Clicks of robots and of suspicious behaviour, and clicks that could not be linked. They are kept as evidence."
        value={formatCount(Number(invalid))}
        loading={loading}
        footnote={
          totals !== undefined && totals.grossClicks > 0n
            ? `${formatPercent(Number(invalid) / Number(totals.grossClicks))} of received, ${formatPercent(month?.decisionRate ?? 0)} decided`
            : null
        }
      />
      <StatCard
        label="Days final"
        means={`A day is final ${account.settlingHours} hours after it ended: until then late clicks and reviews may change it.`}
        value={`${final} of ${month?.days.length ?? 0}`}
        loading={loading}
        footnote={`${counted} counted${empty === 0 ? "" : `, ${empty} without an event`}`}
      />
    </div>
  );
}

function isFinal(finality: string): boolean {
  return finality === "closed" || finality === "corrected";
}
