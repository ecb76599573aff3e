import { cn } from "./cn.ts";
import { Figure } from "./Figure.tsx";

export interface ShareBar {
  readonly id: string;
  readonly label: string;
  readonly value: string;
  /** Of the whole, 0 to 1. */
  readonly share: number;
  readonly shareText: string;
  readonly selected: boolean;
}

interface ShareBarsProps {
  readonly bars: readonly ShareBar[];
  /** May still change: drawn hatched. */
  readonly provisional: boolean;
  readonly onToggle: (id: string) => void;
}

/** Parts of a whole, largest first. Each bar is a switch that filters by it. */
export function ShareBars({ bars, provisional, onToggle }: ShareBarsProps) {
  return (
    <ul className="space-y-0.5">
      {bars.map((bar) => (
        <li key={bar.id}>
          <button
            type="button"
            aria-pressed={bar.selected}
            onClick={() => onToggle(bar.id)}
            title={bar.selected ? `Stop filtering by ${bar.label}` : `Show only ${bar.label}`}
            className={cn(
              "relative flex h-8 w-full items-center gap-3 overflow-hidden rounded-md px-2.5",
              "text-sm transition-colors hover:bg-sunken",
              bar.selected && "ring-2 ring-accent ring-inset",
            )}
          >
            <span
              aria-hidden
              className={cn(
                "absolute inset-y-1 left-1 rounded bg-accent/18",
                provisional && "hatched",
              )}
              style={{ width: `calc(${bar.share * 100}% - 8px)` }}
            />
            <span className="relative truncate text-ink">{bar.label}</span>
            <span className="relative ml-auto tabular-nums">
              <Figure>{bar.value}</Figure>
            </span>
            <span className="relative w-12 text-right text-ink-3 tabular-nums">
              {bar.shareText}
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}
