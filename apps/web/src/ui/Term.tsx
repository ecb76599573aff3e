"use client";
import type { ReactNode } from "react";
import { cn } from "./cn.ts";
import { Tooltip } from "./Tooltip.tsx";

interface TermProps {
  /** One sentence in the words of the reader. */
  readonly means: string;
  readonly children: ReactNode;
  readonly className?: string;
}

/** A word that explains itself where it stands. */
export function Term({ means, children, className }: TermProps) {
  return (
    <Tooltip content={means}>
      <button
        type="button"
        className={cn(
          "cursor-help text-left underline decoration-line-strong decoration-dotted",
          "underline-offset-3",
          className,
        )}
      >
        {children}
      </button>
    </Tooltip>
  );
}
