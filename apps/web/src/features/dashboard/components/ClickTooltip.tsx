import { formatCount } from "../../../shell/fns/format.ts";
import type { ClickPoint } from "../fns/prepareClickSeries.ts";

interface ClickTooltipProps {
  readonly active: boolean;
  readonly point: ClickPoint | null;
}

/** One bucket in words: its span, its clicks, and whether they may still grow. */
export function ClickTooltip({ active, point }: ClickTooltipProps) {
  if (!active || point === null) return null;
  return (
    <div className="rounded-lg border border-line bg-surface px-3 py-2 text-xs shadow-pop">
      <p className="text-ink-3">{point.title}</p>
      {point.clicks === null ? (
        <p className="mt-1 text-ink-2">Not counted yet</p>
      ) : (
        <p className="mt-1 text-ink">
          <strong className="text-sm tabular-nums">{formatCount(point.clicks)}</strong>{" "}
          {point.isFinal ? "clicks" : "clicks so far, may still grow"}
        </p>
      )}
      {point.previous !== null && (
        <p className="text-ink-3 tabular-nums">{formatCount(point.previous)} the period before</p>
      )}
    </div>
  );
}
