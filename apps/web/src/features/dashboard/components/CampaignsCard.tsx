"use client";
import dynamic from "next/dynamic";
import type { ReportFrame } from "../../../report/hooks/useReport.ts";
import { Card } from "../../../ui/Card.tsx";
import { SkeletonRows } from "../../../ui/Skeleton.tsx";
import { EmptyState, ErrorState } from "../../../ui/States.tsx";
import { useCampaignRows } from "../hooks/useCampaignRows.ts";

const ROWS_EXPECTED = 8;

// Comes with its rows: the totals and the chart above are read first.
const CampaignsTable = dynamic(async () => (await import("./CampaignsTable.tsx")).CampaignsTable, {
  ssr: false,
  loading: () => <SkeletonRows rows={ROWS_EXPECTED} />,
});

interface CampaignsCardProps {
  readonly frame: ReportFrame;
  readonly previousFrame: ReportFrame | null;
  readonly selected: string | null;
  readonly onSelect: (campaignId: string | null) => void;
}

/** The campaigns with their trend; a name narrows the page to it. */
export function CampaignsCard({ frame, previousFrame, selected, onSelect }: CampaignsCardProps) {
  const { rows, failed, refetch } = useCampaignRows(frame, previousFrame);
  return (
    <Card bodyClassName="p-0">
      {failed && (
        <ErrorState title="The campaigns cannot be read just now" onRetry={refetch}>
          The rest of the page is not affected.
        </ErrorState>
      )}
      {rows === null && !failed && <SkeletonRows rows={ROWS_EXPECTED} />}
      {rows !== null && rows.length === 0 && (
        <EmptyState title="No campaign had clicks in this period">
          Choose a longer period, or take away a filter.
        </EmptyState>
      )}
      {rows !== null && rows.length > 0 && (
        <CampaignsTable
          currency={frame.account.currency}
          rows={rows}
          compared={previousFrame !== null}
          selected={selected}
          onSelect={onSelect}
        />
      )}
    </Card>
  );
}
