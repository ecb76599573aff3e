import { causeWords } from "../../../report/fns/causes.ts";
import { formatCount, formatSigned } from "../../../shell/fns/format.ts";
import { cn } from "../../../ui/cn.ts";
import { Figure } from "../../../ui/Figure.tsx";
import { Term } from "../../../ui/Term.tsx";
import type { DriftSummary } from "../fns/prepareDrift.ts";

const ENDS_MEAN = {
  stream: "What the dashboard shows: counted as clicks arrive.",
  truth: "What is billed: counted again from the archive, without a deadline.",
} as const;

/** From the live estimate to billing, cause by cause; the steps add up to the last click. */
export function DriftBars({ summary }: { readonly summary: DriftSummary }) {
  const largest = Math.max(
    1,
    ...summary.causes.map(({ difference }) => Math.abs(difference)),
    Math.abs(summary.unexplained),
  );
  return (
    <div className="max-w-3xl text-sm">
      <End name="Live estimate" means={ENDS_MEAN.stream} value={summary.stream} />
      <ul className="my-1 border-y border-line py-1">
        {summary.causes.map(({ cause, difference }) => {
          const words = causeWords(cause);
          return (
            <Step
              key={cause}
              name={words.name}
              means={words.means}
              change={-difference}
              share={Math.abs(difference) / largest}
            />
          );
        })}
        <Step
          name="Not explained"
          means="Must be 0. Anything else is an error of ours, and raises an alarm."
          change={-summary.unexplained}
          share={Math.abs(summary.unexplained) / largest}
          alarming={summary.unexplained !== 0}
        />
      </ul>
      <End name="Billing" means={ENDS_MEAN.truth} value={summary.truth} />
    </div>
  );
}

interface EndProps {
  readonly name: string;
  readonly means: string;
  readonly value: number;
}

function End({ name, means, value }: EndProps) {
  return (
    <div className="flex h-9 items-center justify-between font-semibold">
      <Term means={means}>{name}</Term>
      <Figure focusable inFullInk>
        {formatCount(value)}
      </Figure>
    </div>
  );
}

interface StepProps {
  readonly name: string;
  readonly means: string;
  /** What billing counts more (positive) or less (negative). */
  readonly change: number;
  /** Of the largest step, 0 to 1. */
  readonly share: number;
  readonly alarming?: boolean;
}

function Step({ name, means, change, share, alarming = false }: StepProps) {
  return (
    <li className="grid h-8 grid-cols-[minmax(7rem,13rem)_1fr_6rem] items-center gap-3">
      <Term means={means} className={cn("truncate", alarming ? "text-bad" : "text-ink-2")}>
        {name}
      </Term>
      <span aria-hidden className="grid h-3 grid-cols-2">
        <span className="flex justify-end border-r border-line-strong">
          {change < 0 && <Bar share={share} className={alarming ? "bg-bad" : "bg-verdict-givt"} />}
        </span>
        <span>
          {change > 0 && <Bar share={share} className={alarming ? "bg-bad" : "bg-verdict-late"} />}
        </span>
      </span>
      <span className={cn("text-right tabular-nums", alarming && "font-semibold text-bad")}>
        <Figure>{formatSigned(change)}</Figure>
      </span>
    </li>
  );
}

function Bar({ share, className }: { readonly share: number; readonly className: string }) {
  return (
    <span
      className={cn("block h-full min-w-0.5 rounded-xs", className)}
      style={{ width: `${share * 100}%` }}
    />
  );
}
