import type { Report } from "../../../report/hooks/useReport.ts";
import { formatCount, formatMoney, formatPercent } from "../../../shell/fns/format.ts";
import type { AccountSummary } from "../../../shell/viewer.tsx";
import { FinalityBadge } from "../../../ui/FinalityBadge.tsx";
import { StatCard } from "../../../ui/StatCard.tsx";
import { prepareTotals } from "../fns/prepareTotals.ts";
import { ConversionsCard } from "./ConversionsCard.tsx";
import { PacingCard } from "./PacingCard.tsx";

interface TotalsProps {
  readonly account: AccountSummary;
  readonly report: Report | undefined;
  readonly previous: Report | undefined;
}

/** The period in six figures. On a phone they scroll sideways. */
export function Totals({ account, report, previous }: TotalsProps) {
  const loading = report === undefined;
  const totals = prepareTotals(report?.rows[0], previous?.rows[0]);
  const money = (micros: number | null) =>
    micros === null ? null : formatMoney(micros, account.currency);
  const finality = report && <FinalityBadge finality={report.meta.finality} />;
  return (
    <div className="flex snap-x scroll-px-3 gap-3 overflow-x-auto max-md:-mx-3 max-md:px-3">
      <StatCard
        label="Clicks"
        means="Clicks that count: without duplicates, robots and other invalid traffic."
        value={formatCount(totals.clicks)}
        delta={totals.deltas.clicks}
        loading={loading}
        footnote={finality}
      />
      <StatCard
        label="Cost"
        means="What these clicks cost at the rate in force when each was made."
        value={money(totals.costMicros)}
        delta={totals.deltas.cost}
        loading={loading}
        footnote={finality}
      />
      <StatCard
        label="CPC"
        means="Cost per click: the cost divided by the clicks."
        value={money(totals.cpcMicros)}
        delta={totals.deltas.cpc}
        loading={loading}
      />
      <StatCard
        label="Users"
        means="Different people who clicked, as far as they can be told apart. Counted with the billing figures."
        value={totals.users === null ? null : formatCount(totals.users)}
        delta={totals.deltas.users}
        footnote={totals.users === null ? "with Billing truth" : null}
        loading={loading}
      />
      <StatCard
        label="Invalid"
        means="The share of clicks that robots or suspicious behaviour made. They are kept and never billed."
        value={totals.invalidRate === null ? null : formatPercent(totals.invalidRate)}
        delta={totals.deltas.invalid}
        loading={loading}
        footnote={`${formatCount(totals.invalidClicks)} clicks`}
      />
      <StatCard
        label="Impressions"
        means="How often ads were shown. CTR is clicks divided by impressions."
        value={totals.impressions === 0 ? null : formatCount(totals.impressions)}
        delta={null}
        loading={loading}
        footnote={totals.clickRate === null ? null : `CTR ${formatPercent(totals.clickRate)}`}
      />
      <ConversionsCard account={account} totals={totals} loading={loading} />
      <PacingCard account={account} />
    </div>
  );
}
