import Link from "next/link";
import { formatCount, formatMoney } from "../../../shell/fns/format.ts";
import { Figure } from "../../../ui/Figure.tsx";
import type { Column } from "../../../ui/table/column.ts";
import type { CampaignState, ListedCampaign } from "../fns/prepareList.ts";

const STATE_WORDS: Readonly<Record<CampaignState, string>> = {
  running: "Running",
  planned: "Planned",
  ended: "Ended",
};

/** The columns of the campaign list. `hrefOf` leads to the overview of one campaign. */
export function listColumns(
  currency: string,
  hrefOf: (campaignId: string) => string,
): Column<ListedCampaign>[] {
  return [
    {
      id: "name",
      header: "Campaign",
      phone: "title",
      value: (row) => row.name,
      cell: (row) => (
        <Link href={hrefOf(row.id)} className="hover:text-accent hover:underline">
          {row.name}
        </Link>
      ),
    },
    {
      id: "id",
      header: "Id",
      value: (row) => row.id,
      cell: (row) => <span className="font-mono text-xs text-ink-3">{row.id}</span>,
      phone: "hidden",
    },
    { id: "state", header: "State", phone: "badge", value: (row) => STATE_WORDS[row.state] },
    {
      id: "clicks",
      header: "Clicks",
      align: "right",
      phone: "figure",
      value: (row) => row.clicks,
      cell: (row) => <Figure>{formatCount(row.clicks)}</Figure>,
    },
    moneyColumn("cost", "Cost", currency, (row) => row.costMicros),
    moneyColumn(
      "cpc",
      "Paid per click",
      currency,
      (row) => row.paidCpcMicros,
      "What a click cost on average in this period.",
    ),
    moneyColumn(
      "rate",
      "Rate now",
      currency,
      (row) => row.rateMicros,
      "What a click costs from now on, until the rate changes.",
    ),
    moneyColumn("budget", "Daily budget", currency, (row) => row.dailyBudgetMicros),
    ...creditColumns(currency),
  ];
}

/** What conversions its clicks were credited with, and which click is. */
function creditColumns(currency: string): Column<ListedCampaign>[] {
  return [
    {
      id: "conversions",
      header: "Conversions",
      align: "right",
      phone: "hidden",
      means: "Conversions credited to the last valid click before them. Known with Billing truth.",
      value: (row) => row.conversions,
      cell: (row) =>
        row.conversions === null ? "–" : <Figure>{formatCount(row.conversions)}</Figure>,
    },
    {
      ...moneyColumn("value", "Value", currency, (row) => row.conversionValueMicros),
      phone: "hidden",
      means: "What these conversions are worth, as those say who report them.",
    },
    {
      id: "lookback",
      header: "Credits within",
      align: "right",
      phone: "hidden",
      means: "How long before a conversion a click may lie that is credited with it, as set now.",
      value: (row) => row.lookbackDays,
      cell: (row) => daysText(row.lookbackDays),
    },
  ];
}

function daysText(days: number): string {
  return days === 1 ? "1 day" : `${days} days`;
}

function moneyColumn(
  id: string,
  header: string,
  currency: string,
  micros: (row: ListedCampaign) => number | bigint | null,
  means?: string,
): Column<ListedCampaign> {
  return {
    id,
    header,
    align: "right",
    ...(means === undefined ? {} : { means }),
    value: (row) => {
      const amount = micros(row);
      return amount === null ? null : Number(amount) / 1_000_000;
    },
    cell: (row) => {
      const amount = micros(row);
      return amount === null ? "–" : <Figure>{formatMoney(amount, currency)}</Figure>;
    },
  };
}
