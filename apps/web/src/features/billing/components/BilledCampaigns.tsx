import type { ApiOutputs } from "../../../shell/apiTypes.ts";
import { formatCount, formatDay, formatMoney, formatMonth } from "../../../shell/fns/format.ts";
import { Figure } from "../../../ui/Figure.tsx";
import { EmptyState } from "../../../ui/States.tsx";
import type { Column } from "../../../ui/table/column.ts";
import { DataTable } from "../../../ui/table/DataTable.tsx";

type Month = ApiOutputs["billing"]["month"];
type Campaign = Month["campaigns"][number];

interface BilledCampaignsProps {
  readonly month: Month;
  /** The chosen day; null for the whole month. */
  readonly day: Month["days"][number] | null;
  readonly onWholeMonth: () => void;
}

/** What each campaign cost, in the month or on the chosen day. */
export function BilledCampaigns({ month, day, onWholeMonth }: BilledCampaignsProps) {
  const rows: readonly Campaign[] = day === null ? month.campaigns : day.lines;
  const totals = day === null ? month.totals : day.totals;
  const span = day === null ? formatMonth(month.month) : formatDay(day.day);
  if (rows.length === 0) {
    return (
      <EmptyState title={`Nothing billed in ${span}`}>
        The first valid click appears here once the day has been counted for billing.
      </EmptyState>
    );
  }
  return (
    <DataTable
      label={`Cost per campaign ${day?.day ?? month.month}`}
      caption={
        <span className="flex items-baseline gap-2">
          Cost per campaign
          <span className="text-xs font-normal text-ink-3">{span}</span>
          {day !== null && (
            <button
              type="button"
              onClick={onWholeMonth}
              className="text-xs font-normal text-accent underline"
            >
              whole month
            </button>
          )}
        </span>
      }
      columns={columns(month.currency, totals)}
      rows={rows}
      rowKey={(row) => row.campaignId}
      initialSort={{ column: "cost", descending: true }}
      maxHeight="calc(100dvh - 20rem)"
    />
  );
}

function columns(currency: string, totals: Month["totals"]): Column<Campaign>[] {
  return [
    {
      id: "campaign",
      header: "Campaign",
      phone: "title",
      value: (row) => row.campaignName ?? row.campaignId,
    },
    {
      id: "clicks",
      header: "Valid clicks",
      align: "right",
      value: (row) => Number(row.clicks),
      cell: (row) => <Figure>{formatCount(Number(row.clicks))}</Figure>,
      total: <Figure>{formatCount(Number(totals.clicks))}</Figure>,
    },
    {
      id: "cost",
      header: "Cost",
      align: "right",
      phone: "figure",
      value: (row) => Number(row.costMicros) / 1_000_000,
      cell: (row) => <Figure>{formatMoney(row.costMicros, currency)}</Figure>,
      total: <Figure>{formatMoney(totals.costMicros, currency)}</Figure>,
    },
  ];
}
