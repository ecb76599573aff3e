import { CircleAlert, Clock3, Inbox } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "./Button.tsx";
import { cn } from "./cn.ts";

interface StateProps {
  readonly title: string;
  /** What to do next. */
  readonly children: ReactNode;
  readonly className?: string;
}

/** Nothing there: says what would be, and what to do. */
export function EmptyState({ title, children, className }: StateProps) {
  return (
    <div className={cn("flex flex-col items-center px-6 py-10 text-center", className)}>
      <Inbox size={22} className="mb-3 text-ink-3" aria-hidden />
      <p className="font-medium text-ink">{title}</p>
      <div className="mt-1 max-w-md text-sm text-ink-2">{children}</div>
    </div>
  );
}

interface ErrorStateProps extends StateProps {
  readonly onRetry?: () => void;
}

/** It failed: says what was kept and what to try. */
export function ErrorState({ title, children, onRetry, className }: ErrorStateProps) {
  return (
    <div
      role="alert"
      className={cn("flex flex-col items-center px-6 py-10 text-center", className)}
    >
      <CircleAlert size={22} className="mb-3 text-bad" aria-hidden />
      <p className="font-medium text-ink">{title}</p>
      <div className="mt-1 max-w-md text-sm text-ink-2">{children}</div>
      {onRetry !== undefined && (
        <Button className="mt-4" onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** The figures below are old: says how old and why. They stay, because old beats none. */
export function StaleState({ children }: { readonly children: ReactNode }) {
  return (
    <div
      role="status"
      className="flex items-start gap-2 rounded-lg bg-warn-soft px-3 py-2 text-sm text-settling"
    >
      <Clock3 size={15} className="mt-0.5 shrink-0" aria-hidden />
      <span>{children}</span>
    </div>
  );
}
