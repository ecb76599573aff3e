"use client";
import * as RadixTooltip from "radix-ui/tooltip";
import type { ReactNode } from "react";

/** One for the whole page, so that moving from one tooltip to the next is instant. */
export function TooltipProvider({ children }: { readonly children: ReactNode }) {
  return (
    <RadixTooltip.Provider delayDuration={250} skipDelayDuration={300}>
      {children}
    </RadixTooltip.Provider>
  );
}

interface TooltipProps {
  readonly content: ReactNode;
  /** One element that can take focus. */
  readonly children: ReactNode;
}

/** A short explanation on hover and on focus. Never the only place of something needed. */
export function Tooltip({ content, children }: TooltipProps) {
  return (
    <RadixTooltip.Root>
      <RadixTooltip.Trigger asChild>{children}</RadixTooltip.Trigger>
      <RadixTooltip.Portal>
        <RadixTooltip.Content
          sideOffset={6}
          collisionPadding={8}
          className="fade-in z-50 max-w-72 rounded-lg bg-ink px-2.5 py-1.5 text-xs text-canvas shadow-pop"
        >
          {content}
        </RadixTooltip.Content>
      </RadixTooltip.Portal>
    </RadixTooltip.Root>
  );
}
