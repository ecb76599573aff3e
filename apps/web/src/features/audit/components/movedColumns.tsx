import { causeWords } from "../../../report/fns/causes.ts";
import { formatInstant, formatMoney, formatSigned } from "../../../shell/fns/format.ts";
import { Figure, type FigureFacts } from "../../../ui/Figure.tsx";
import { Term } from "../../../ui/Term.tsx";
import type { Column } from "../../../ui/table/column.ts";
import type { VersionDiff } from "../fns/prepareDiff.ts";

type Moved = VersionDiff["moved"][number];

const TYPE_WORDS: Readonly<Record<string, string>> = {
  click: "Clicks",
  impression: "Impressions",
  conversion: "Conversions",
};

/** The columns of what moved between two versions; every figure is signed. */
export function movedColumns(diff: VersionDiff, timeZone: string): Column<Moved>[] {
  const facts: FigureFacts = {
    // A difference of two published versions never changes again.
    finality: "closed",
    asOf: formatInstant(diff.after.publishedAt.getTime(), timeZone),
    store: "Billing records, counted from the archive",
    note: `Version ${diff.after.version} less version ${diff.before.version}`,
  };
  return [
    {
      id: "campaign",
      header: "Campaign",
      phone: "title",
      value: (row) => row.campaignName ?? row.campaign,
    },
    {
      id: "type",
      header: "Events",
      phone: "badge",
      value: (row) => TYPE_WORDS[row.eventType] ?? row.eventType,
    },
    {
      id: "verdict",
      header: "Verdict",
      phone: "badge",
      value: (row) => verdictName(row.verdict),
      cell: (row) => <Term means={causeWords(row.verdict).means}>{verdictName(row.verdict)}</Term>,
    },
    {
      id: "events",
      header: "Count",
      align: "right",
      phone: "figure",
      value: (row) => row.events,
      cell: (row) => <Figure facts={facts}>{formatSigned(row.events)}</Figure>,
    },
    {
      id: "cost",
      header: "Cost",
      align: "right",
      phone: "badge",
      value: (row) => Number(row.costMicros) / 1_000_000,
      cell: (row) =>
        row.costMicros === 0n ? (
          <span className="text-ink-3 max-sm:hidden">–</span>
        ) : (
          <Figure facts={facts}>
            {row.costMicros > 0n ? "+" : ""}
            {formatMoney(row.costMicros, diff.currency)}
          </Figure>
        ),
      total: (
        <Figure facts={facts}>
          {diff.costMicros > 0n ? "+" : ""}
          {formatMoney(diff.costMicros, diff.currency)}
        </Figure>
      ),
    },
  ];
}

const verdictName = (verdict: string) => (verdict === "valid" ? "Valid" : causeWords(verdict).name);
