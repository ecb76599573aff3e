import { CircleCheck } from "lucide-react";
import Link from "next/link";
import type { ApiOutputs } from "../../../shell/apiTypes.ts";
import { formatCount, formatDay, formatInstant, formatMoney } from "../../../shell/fns/format.ts";
import { Figure, type FigureFacts } from "../../../ui/Figure.tsx";
import { FinalityBadge } from "../../../ui/FinalityBadge.tsx";
import type { Column } from "../../../ui/table/column.ts";
import { Hash } from "./Hash.tsx";

type Version = ApiOutputs["audit"]["partitions"][number];

/** Where a row of the list leads on to. */
export interface VersionLinks {
  /** The job that made it. */
  readonly job: (row: Version) => string;
  /** What it changed of the version before. */
  readonly changes: (row: Version) => string;
}

/** The columns of the list of versions. */
export function versionColumns(timeZone: string, links: VersionLinks): Column<Version>[] {
  const factsOf = (row: Version): FigureFacts => ({
    finality: row.finality,
    asOf: formatInstant(row.publishedAt.getTime(), timeZone),
    store: "Billing records, counted from the archive",
    note: row.current ? `Version ${row.version}` : `Version ${row.version}, since replaced`,
  });
  return [
    {
      id: "day",
      header: "Billing day",
      phone: "title",
      value: (row) => row.billingDay,
      cell: (row) => formatDay(row.billingDay),
    },
    { id: "version", header: "Version", align: "right", value: (row) => row.version },
    {
      id: "current",
      header: "Counts",
      phone: "badge",
      means: "The version that reports and bills are made of. The others are kept for comparison.",
      value: (row) => (row.current ? "current" : "replaced"),
      cell: (row) => <CurrentMark current={row.current} />,
    },
    {
      id: "finality",
      header: "State",
      phone: "badge",
      value: (row) => row.finality,
      cell: (row) => (row.current ? <FinalityBadge finality={row.finality} /> : <NoState />),
    },
    {
      id: "clicks",
      header: "Valid clicks",
      align: "right",
      value: (row) => row.verdictCounts["valid"] ?? 0,
      cell: (row) => (
        <Figure facts={factsOf(row)}>{formatCount(row.verdictCounts["valid"] ?? 0)}</Figure>
      ),
    },
    {
      id: "cost",
      header: "Cost",
      align: "right",
      phone: "figure",
      value: (row) => Number(row.costMicros) / 1_000_000,
      cell: (row) => (
        <Figure facts={factsOf(row)}>{formatMoney(row.costMicros, row.currency)}</Figure>
      ),
    },
    {
      id: "cause",
      header: "Why",
      value: (row) => row.cause,
      cell: (row) => <Cause cause={row.cause} />,
    },
    {
      id: "changes",
      header: "Changes",
      phone: "badge",
      means: "What this version changed of the one before it, and by what.",
      value: (row) => (row.version > 1 ? `${row.version - 1} to ${row.version}` : null),
      cell: (row) => <Changes version={row.version} href={links.changes(row)} />,
    },
    {
      id: "published",
      header: "Published",
      phone: "hidden",
      value: (row) => row.publishedAt.toISOString(),
      cell: (row) => formatInstant(row.publishedAt.getTime(), timeZone),
    },
    {
      id: "job",
      header: "Job",
      align: "right",
      value: (row) => row.jobId,
      cell: (row) => (
        <Link href={links.job(row)} className="text-accent underline">
          #{row.jobId}
        </Link>
      ),
    },
    {
      id: "content",
      header: "Result",
      means: "The fingerprint of what was counted. The same inputs always give the same one.",
      phone: "hidden",
      value: (row) => row.contentHash,
      cell: (row) => <Hash value={row.contentHash} label="result fingerprint" />,
    },
  ];
}

const NoState = () => <span className="max-sm:hidden">–</span>;

/** One line in the table, all of it on a phone, where there is nothing to hover over. */
function Cause({ cause }: { readonly cause: string }) {
  return (
    <span title={cause} className="sm:block sm:max-w-80 sm:truncate">
      {cause}
    </span>
  );
}

function Changes({ version, href }: { readonly version: number; readonly href: string }) {
  if (version === 1) return <span className="text-ink-3">first count</span>;
  return (
    <Link href={href} className="text-accent underline">
      what changed
    </Link>
  );
}

function CurrentMark({ current }: { readonly current: boolean }) {
  if (!current) return <span className="text-ink-3">replaced</span>;
  return (
    <span className="inline-flex items-center gap-1 align-middle text-closed">
      <CircleCheck size={13} aria-hidden />
      current
    </span>
  );
}
