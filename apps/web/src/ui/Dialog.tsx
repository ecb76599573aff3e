"use client";
import * as Radix from "radix-ui/dialog";
import type { ReactNode } from "react";
import { cn } from "./cn.ts";

interface DialogProps {
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
  /** Read out when it opens. */
  readonly title: string;
  readonly className?: string;
  readonly children: ReactNode;
}

/** A window over the page that holds the focus until it is closed. */
export function Dialog({ open, onOpenChange, title, className, children }: DialogProps) {
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className="fade-in fixed inset-0 z-40 bg-black/40" />
        <Radix.Content
          aria-describedby={undefined}
          className={cn(
            "fade-in fixed top-[12vh] left-1/2 z-50 w-[calc(100vw-2rem)] max-w-lg -translate-x-1/2",
            "overflow-hidden rounded-xl border border-line bg-surface shadow-pop",
            className,
          )}
        >
          <Radix.Title className="sr-only">{title}</Radix.Title>
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
