import { useQuery } from "@tanstack/react-query";
import { SECOND_MS } from "@trueclick/shared/time";
import type { ApiOutputs } from "../../../shell/apiTypes.ts";
import { formatAge, formatCount } from "../../../shell/fns/format.ts";
import { hasFailed } from "../../../shell/fns/hasFailed.ts";
import { useTRPC } from "../../../shell/trpc.tsx";
import { Card } from "../../../ui/Card.tsx";
import { Skeleton } from "../../../ui/Skeleton.tsx";
import { EmptyState, ErrorState } from "../../../ui/States.tsx";
import type { Column } from "../../../ui/table/column.ts";
import { DataTable } from "../../../ui/table/DataTable.tsx";

type Refused = ApiOutputs["pipeline"]["refused"][number];

const REFRESH_MS = 10 * SECOND_MS;

/** What the edge could not accept, newest first: kept with its bytes, to be mended and replayed. */
export function RefusedEvents({ nowMs }: { readonly nowMs: number }) {
  const trpc = useTRPC();
  const refused = useQuery(
    trpc.pipeline.refused.queryOptions(undefined, { refetchInterval: REFRESH_MS }),
  );
  const { data } = refused;
  return (
    <Card bodyClassName="p-0">
      {hasFailed(refused) && (
        <ErrorState title="The quarantine cannot be read" onRetry={refused.refetch}>
          What is refused goes on being kept.
        </ErrorState>
      )}
      {!hasFailed(refused) && data === undefined && <Skeleton className="m-4 h-24" />}
      {data?.length === 0 && (
        <EmptyState title="Nothing was refused">
          What the edge cannot accept is kept here with its bytes and the reason.
        </EmptyState>
      )}
      {data !== undefined && data.length > 0 && (
        <DataTable
          label="Quarantine"
          caption="Refused by the edge"
          columns={columnsOf(nowMs)}
          rows={data}
          rowKey={(row) => row.id}
        />
      )}
    </Card>
  );
}

function columnsOf(nowMs: number): Column<Refused>[] {
  return [
    {
      id: "reason",
      header: "Reason",
      phone: "title",
      value: (row) => row.code,
    },
    {
      id: "why",
      header: "Why",
      value: (row) => row.message,
      cell: (row) => (
        <span className="sm:block sm:max-w-80 sm:truncate" title={row.message}>
          {row.message}
        </span>
      ),
    },
    { id: "source", header: "Source", value: (row) => row.sourceId },
    {
      id: "age",
      header: "Received",
      align: "right",
      phone: "figure",
      value: (row) => row.receivedAtMs,
      cell: (row) => `${formatAge(Math.max(0, nowMs - row.receivedAtMs))} ago`,
    },
    {
      id: "bytes",
      header: "What came",
      phone: "hidden",
      value: (row) => row.preview,
      cell: (row) => (
        <code className="block max-w-80 truncate text-xs" title={row.preview}>
          {row.preview}
        </code>
      ),
    },
    {
      id: "size",
      header: "Bytes",
      align: "right",
      value: (row) => row.bytesReceived,
      cell: (row) => formatCount(row.bytesReceived),
    },
    {
      id: "replay",
      header: "Replay",
      means: "`trueclick quarantine replay` judges it again after a fix.",
      value: (row) => replayText(row.replayAccepted),
    },
    { id: "id", header: "Place", phone: "hidden", value: (row) => row.id },
  ];
}

function replayText(accepted: number | null): string {
  if (accepted === null) return "waits";
  return accepted > 0 ? "taken" : "refused again";
}
