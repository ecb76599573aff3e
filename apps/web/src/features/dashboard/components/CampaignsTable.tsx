"use client";
import { DataTable } from "../../../ui/table/DataTable.tsx";
import type { CampaignRow } from "../fns/prepareCampaigns.ts";
import { useCampaignColumns } from "./campaignColumns.tsx";

interface CampaignsTableProps {
  readonly currency: string;
  readonly rows: readonly CampaignRow[];
  readonly compared: boolean;
  readonly selected: string | null;
  readonly onSelect: (campaignId: string | null) => void;
}

export function CampaignsTable(props: CampaignsTableProps) {
  return (
    <DataTable
      label="Campaigns"
      caption="Campaigns"
      columns={useCampaignColumns(props)}
      rows={props.rows}
      rowKey={(row) => row.id}
      initialSort={{ column: "clicks", descending: true }}
      maxHeight="480px"
    />
  );
}
