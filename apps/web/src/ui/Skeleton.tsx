import { cn } from "./cn.ts";

/** Holds the place of what is loading; give it the size of what comes, so that nothing jumps. */
export function Skeleton({ className }: { readonly className?: string }) {
  return <span aria-hidden className={cn("breathe block rounded bg-sunken", className)} />;
}

interface SkeletonRowsProps {
  readonly rows: number;
  /** For a list without tools and header. */
  readonly headless?: boolean;
}

/** The same for a table with its tools and header: one line per expected row. */
export function SkeletonRows({ rows, headless = false }: SkeletonRowsProps) {
  return (
    <div className="space-y-px" role="status" aria-label="Loading">
      {!headless && (
        <div className="flex h-20 items-start border-b border-line p-4">
          <Skeleton className="h-4 w-32" />
        </div>
      )}
      {Array.from({ length: rows }, (_, index) => `row-${index}`).map((key) => (
        <div key={key} className="flex h-10 items-center gap-4 px-4">
          <Skeleton className="h-3.5 w-2/5" />
          <Skeleton className="ml-auto h-3.5 w-16" />
          <Skeleton className="h-3.5 w-16" />
        </div>
      ))}
    </div>
  );
}
