import type { ReactNode } from "react";
import { cn } from "./cn.ts";
import { Figure } from "./Figure.tsx";
import { Skeleton } from "./Skeleton.tsx";
import { Term } from "./Term.tsx";

export interface Delta {
  readonly text: string;
  /** Whether the change is good news; null where neither is better. */
  readonly good: boolean | null;
  /** What it is compared with. */
  readonly title: string;
}

interface StatCardProps {
  readonly label: string;
  readonly means: string;
  /** Null where it is not known: shown as a dash, never as a zero. */
  readonly value: ReactNode | null;
  readonly delta?: Delta | null;
  readonly footnote?: ReactNode;
  readonly loading?: boolean;
}

export function StatCard({ label, means, value, delta, footnote, loading }: StatCardProps) {
  return (
    <article
      aria-label={label}
      className="min-w-fit flex-1 snap-start rounded-lg border border-line bg-surface px-4 py-3"
    >
      <div className="text-sm text-ink-2">
        <Term means={means}>{label}</Term>
      </div>
      {/* Flow root: the placeholder's margins stay inside, so that the card has one height. */}
      <div className="mt-1 flow-root text-2xl leading-9 font-semibold tracking-tight whitespace-nowrap text-ink 2xl:text-figure">
        {loading ? (
          <Skeleton className="my-1 h-7 w-24" />
        ) : (
          <Figure focusable inFullInk>
            {value ?? <span className="text-ink-3">–</span>}
          </Figure>
        )}
      </div>
      <div className="mt-1 flex h-4 items-center gap-2 text-xs whitespace-nowrap text-ink-3">
        {loading ? <Skeleton className="h-3 w-16" /> : <DeltaText delta={delta ?? null} />}
        {!loading && footnote}
      </div>
    </article>
  );
}

function DeltaText({ delta }: { readonly delta: Delta | null }) {
  if (delta === null) return null;
  return (
    <span
      title={delta.title}
      className={cn(
        "font-medium tabular-nums",
        delta.good === true && "text-good",
        delta.good === false && "text-bad",
      )}
    >
      {delta.text}
    </span>
  );
}
