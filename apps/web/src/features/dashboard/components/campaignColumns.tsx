import { useMemo } from "react";
import {
  formatChange,
  formatCount,
  formatMoney,
  formatPercent,
} from "../../../shell/fns/format.ts";
import { cn } from "../../../ui/cn.ts";
import { Figure } from "../../../ui/Figure.tsx";
import { Sparkline } from "../../../ui/Sparkline.tsx";
import type { Column } from "../../../ui/table/column.ts";
import type { CampaignRow } from "../fns/prepareCampaigns.ts";

interface CampaignColumnsOptions {
  readonly currency: string;
  readonly rows: readonly CampaignRow[];
  readonly compared: boolean;
  readonly selected: string | null;
  readonly onSelect: (campaignId: string | null) => void;
}

/** The columns of the campaigns table. */
export function useCampaignColumns(options: CampaignColumnsOptions): Column<CampaignRow>[] {
  const { currency, rows, compared, selected, onSelect } = options;
  return useMemo(
    () => [
      nameColumn(selected, onSelect),
      TREND_COLUMN,
      {
        id: "clicks",
        header: "Clicks",
        align: "right",
        phone: "figure",
        value: (row) => row.clicks,
        cell: (row) => <Figure>{formatCount(row.clicks)}</Figure>,
        total: <Figure>{formatCount(sum(rows, (row) => row.clicks))}</Figure>,
      },
      ...(compared ? [CHANGE_COLUMN] : []),
      ...moneyColumns(currency, rows),
      INVALID_COLUMN,
    ],
    [currency, rows, compared, selected, onSelect],
  );
}

function nameColumn(
  selected: string | null,
  onSelect: (campaignId: string | null) => void,
): Column<CampaignRow> {
  return {
    id: "name",
    header: "Campaign",
    phone: "title",
    value: (row) => row.name,
    cell: (row) => (
      <button
        type="button"
        aria-pressed={row.id === selected}
        title={row.id === selected ? "Show all campaigns" : `Show only ${row.name}`}
        onClick={() => onSelect(row.id === selected ? null : row.id)}
        className="max-w-full truncate text-left hover:text-accent hover:underline aria-pressed:text-accent"
      >
        {row.name}
      </button>
    ),
  };
}

const TREND_COLUMN: Column<CampaignRow> = {
  id: "trend",
  header: "Trend",
  pictureOnly: true,
  value: () => null,
  cell: (row) => (
    <Sparkline
      values={row.trend}
      provisional={row.trendProvisional}
      label={`Clicks of ${row.name} over time`}
    />
  ),
};

const CHANGE_COLUMN: Column<CampaignRow> = {
  id: "change",
  header: "Change",
  align: "right",
  means: "Clicks against the period before, as far as this one has come.",
  value: (row) => row.change,
  cell: (row) => (row.change === null ? "–" : <ChangeText ratio={row.change} />),
};

/** A change too small to be written is neither good nor bad. */
function ChangeText({ ratio }: { readonly ratio: number }) {
  const text = formatChange(ratio);
  const moved = text !== formatChange(0);
  return <span className={cn(moved && (ratio > 0 ? "text-good" : "text-bad"))}>{text}</span>;
}

const INVALID_COLUMN: Column<CampaignRow> = {
  id: "invalid",
  phone: "hidden",
  header: "Invalid",
  align: "right",
  means: "The share of clicks that robots or suspicious behaviour made; never billed.",
  value: (row) => row.invalidRate,
  cell: (row) =>
    row.invalidRate === null ? "–" : <Figure>{formatPercent(row.invalidRate)}</Figure>,
};

function moneyColumns(currency: string, rows: readonly CampaignRow[]): Column<CampaignRow>[] {
  return [
    {
      id: "cost",
      header: "Cost",
      align: "right",
      value: (row) => row.costMicros / 1_000_000,
      cell: (row) => <Figure>{formatMoney(row.costMicros, currency)}</Figure>,
      total: (
        <Figure>
          {formatMoney(
            sum(rows, (row) => row.costMicros),
            currency,
          )}
        </Figure>
      ),
    },
    {
      id: "cpc",
      header: "CPC",
      align: "right",
      means: "Cost per click.",
      value: (row) => (row.cpcMicros === null ? null : row.cpcMicros / 1_000_000),
      cell: (row) =>
        row.cpcMicros === null ? "–" : <Figure>{formatMoney(row.cpcMicros, currency)}</Figure>,
    },
  ];
}

function sum(rows: readonly CampaignRow[], measure: (row: CampaignRow) => number): number {
  return rows.reduce((total, row) => total + measure(row), 0);
}
