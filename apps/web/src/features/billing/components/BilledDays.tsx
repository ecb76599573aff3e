import type { ApiOutputs } from "../../../shell/apiTypes.ts";
import { formatCount, formatDay, formatInstant, formatMoney } from "../../../shell/fns/format.ts";
import type { AccountSummary } from "../../../shell/viewer.tsx";
import { Figure } from "../../../ui/Figure.tsx";
import { FinalityBadge } from "../../../ui/FinalityBadge.tsx";
import { EmptyState } from "../../../ui/States.tsx";
import type { Column } from "../../../ui/table/column.ts";
import { DataTable } from "../../../ui/table/DataTable.tsx";
import { dayFacts } from "../fns/monthFacts.ts";

type Month = ApiOutputs["billing"]["month"];
type Day = Month["days"][number];

interface BilledDaysProps {
  readonly month: Month;
  readonly account: AccountSummary;
  readonly day: string | null;
  readonly onChoose: (day: string | null) => void;
}

/** The days of a month: a day opens what each campaign cost on it. */
export function BilledDays({ month, account, day, onChoose }: BilledDaysProps) {
  if (month.days.length === 0) {
    return (
      <EmptyState title="This month has not begun">
        Choose an earlier one. Days appear here as they begin, in {account.timeZone}.
      </EmptyState>
    );
  }
  return (
    <DataTable
      label={`Billing ${month.month}`}
      caption="Days"
      columns={dayColumns(month, account, day, onChoose)}
      rows={month.days}
      rowKey={(row) => row.day}
      initialSort={{ column: "day", descending: true }}
      maxHeight="calc(100dvh - 20rem)"
    />
  );
}

function dayColumns(
  month: Month,
  account: AccountSummary,
  chosen: string | null,
  onChoose: (day: string | null) => void,
): Column<Day>[] {
  const counts = (of: (day: Day) => bigint, total: bigint) => ({
    align: "right" as const,
    value: (day: Day) => (isKnown(day) ? Number(of(day)) : null),
    cell: (day: Day) =>
      isKnown(day) ? <DayFigure day={day} account={account} value={of(day)} /> : "–",
    total: <Figure>{formatCount(Number(total))}</Figure>,
  });
  const { totals } = month;
  return [
    {
      id: "day",
      header: "Day",
      phone: "title",
      value: (day) => day.day,
      cell: (day) => (
        <button
          type="button"
          aria-pressed={day.day === chosen}
          onClick={() => onChoose(day.day === chosen ? null : day.day)}
          className="hover:text-accent hover:underline aria-pressed:text-accent"
        >
          {formatDay(day.day)}
        </button>
      ),
    },
    {
      id: "finality",
      header: "State",
      phone: "badge",
      value: (day) => day.finality,
      cell: (day) => <FinalityBadge finality={day.finality} />,
    },
    {
      id: "version",
      header: "Version",
      align: "right",
      means: "How many times the day has been counted with another result. Old versions are kept.",
      value: (day) => day.version,
    },
    { id: "clicks", header: "Valid clicks", ...counts((day) => day.totals.clicks, totals.clicks) },
    {
      id: "invalid",
      header: "Not billed",
      phone: "hidden",
      means: "Clicks of robots and of suspicious behaviour, kept as evidence.",
      ...counts(
        (day) => day.totals.grossClicks - day.totals.clicks,
        totals.grossClicks - totals.clicks,
      ),
    },
    {
      id: "cost",
      header: "Cost",
      align: "right",
      phone: "figure",
      value: (day) => (isKnown(day) ? Number(day.totals.costMicros) / 1_000_000 : null),
      cell: (day) =>
        isKnown(day) ? (
          <Figure facts={dayFacts(day, account)}>
            {formatMoney(day.totals.costMicros, month.currency)}
          </Figure>
        ) : (
          <span className="text-ink-3">not counted yet</span>
        ),
      total: <Figure>{formatMoney(totals.costMicros, month.currency)}</Figure>,
    },
    {
      id: "published",
      header: "Counted",
      phone: "hidden",
      value: (day) =>
        day.publishedAt === null
          ? null
          : formatInstant(day.publishedAt.getTime(), account.timeZone),
    },
  ];
}

/** Whether its numbers were counted, or there was nothing to count. */
const isKnown = (day: Day) => day.version !== null || day.isEmpty;

interface DayFigureProps {
  readonly day: Day;
  readonly account: AccountSummary;
  readonly value: bigint;
}

function DayFigure({ day, account, value }: DayFigureProps) {
  return <Figure facts={dayFacts(day, account)}>{formatCount(Number(value))}</Figure>;
}
