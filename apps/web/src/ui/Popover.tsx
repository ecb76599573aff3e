"use client";
import * as RadixPopover from "radix-ui/popover";
import type { ReactNode } from "react";
import { cn } from "./cn.ts";

interface PopoverProps {
  /** One element that can take focus. */
  readonly trigger: ReactNode;
  readonly open?: boolean;
  readonly onOpenChange?: (open: boolean) => void;
  readonly align?: "start" | "center" | "end";
  readonly className?: string;
  readonly children: ReactNode;
}

export function Popover({ trigger, align = "start", className, children, ...rest }: PopoverProps) {
  return (
    <RadixPopover.Root {...rest}>
      <RadixPopover.Trigger asChild>{trigger}</RadixPopover.Trigger>
      <RadixPopover.Portal>
        <RadixPopover.Content
          align={align}
          sideOffset={6}
          collisionPadding={12}
          className={cn(
            "fade-in z-40 rounded-lg border border-line bg-surface text-sm shadow-pop",
            "focus:outline-none",
            className,
          )}
        >
          {children}
        </RadixPopover.Content>
      </RadixPopover.Portal>
    </RadixPopover.Root>
  );
}
