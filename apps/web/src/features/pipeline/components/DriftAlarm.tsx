import { useQuery } from "@tanstack/react-query";
import { SECOND_MS } from "@trueclick/shared/time";
import { formatAge, formatCount } from "../../../shell/fns/format.ts";
import { hasFailed } from "../../../shell/fns/hasFailed.ts";
import { useTRPC } from "../../../shell/trpc.tsx";
import { Card } from "../../../ui/Card.tsx";
import { Figure } from "../../../ui/Figure.tsx";
import { Skeleton } from "../../../ui/Skeleton.tsx";
import { ErrorState } from "../../../ui/States.tsx";
import { driftAlarmText } from "../fns/driftAlarmText.ts";

const REFRESH_MS = 30 * SECOND_MS;

/** Whether live estimate and billing differ anywhere by what no cause explains. */
export function DriftAlarm({ nowMs }: { readonly nowMs: number }) {
  const trpc = useTRPC();
  const drift = useQuery(
    trpc.pipeline.drift.queryOptions(undefined, { refetchInterval: REFRESH_MS }),
  );
  const { data } = drift;
  const ago = (ms: number) => `${formatAge(Math.max(0, nowMs - ms))} ago`;
  return (
    <Card title="Every difference has a cause">
      {hasFailed(drift) && (
        <ErrorState title="What was found cannot be read" onRetry={drift.refetch}>
          Drift goes on being looked at.
        </ErrorState>
      )}
      {!hasFailed(drift) && data === undefined && <Skeleton className="h-8" />}
      {data !== undefined && (
        <p className="text-sm text-ink-2">
          {data.clicks === 0 ? (
            <span className={data.checkedMs === null ? "text-ink-3" : "text-closed"}>
              {driftAlarmText(data)}
            </span>
          ) : (
            <strong className="text-bad">{driftAlarmText(data)}</strong>
          )}
          {data.sinceMs !== null && <span className="ml-2">First seen {ago(data.sinceMs)}.</span>}
          {data.checkedMs !== null && (
            <span className="ml-2 text-ink-3">Looked at {ago(data.checkedMs)}.</span>
          )}
        </p>
      )}
      {data !== undefined && data.largest.length > 0 && (
        <ul className="mt-3 space-y-1 text-sm">
          {data.largest.map(({ campaignId, hourMs, unexplained }) => (
            <li key={`${campaignId}/${hourMs}`} className="tabular-nums">
              <Figure>{formatCount(unexplained)}</Figure> in {campaignId},{" "}
              {new Date(hourMs).toISOString().slice(0, 16).replace("T", " ")} UTC
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
