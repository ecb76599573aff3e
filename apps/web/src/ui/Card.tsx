import type { ReactNode } from "react";
import { cn } from "./cn.ts";

interface CardProps {
  readonly title?: ReactNode;
  /** Stands opposite the title: a stamp, a switch, a link. */
  readonly aside?: ReactNode;
  readonly className?: string;
  readonly bodyClassName?: string;
  readonly children: ReactNode;
}

/** A titled surface. The hairline carries the shape; nothing floats that cannot be closed. */
export function Card({ title, aside, className, bodyClassName = "p-4", children }: CardProps) {
  return (
    <section className={cn("min-w-0 rounded-lg border border-line bg-surface", className)}>
      {title !== undefined && (
        <header className="flex min-h-12 flex-wrap items-center gap-x-3 gap-y-1 px-4 pt-3">
          <h2 className="text-base font-semibold text-ink">{title}</h2>
          <div className="ml-auto flex items-center gap-2 text-xs text-ink-3">{aside}</div>
        </header>
      )}
      <div className={bodyClassName}>{children}</div>
    </section>
  );
}
