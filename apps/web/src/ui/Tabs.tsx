"use client";
import * as Radix from "radix-ui/tabs";
import type { ReactNode } from "react";
import { cn } from "./cn.ts";

interface TabsProps<Value extends string> {
  readonly label: string;
  readonly value: Value;
  readonly onChange: (value: Value) => void;
  readonly tabs: readonly { readonly value: Value; readonly label: string }[];
  /** Of the chosen tab; the others are not made. */
  readonly children: ReactNode;
}

export function Tabs<Value extends string>({
  label,
  value,
  onChange,
  tabs,
  children,
}: TabsProps<Value>) {
  return (
    <Radix.Root
      value={value}
      onValueChange={(next) => {
        const chosen = tabs.find((tab) => tab.value === next);
        if (chosen !== undefined) onChange(chosen.value);
      }}
    >
      <Radix.List
        aria-label={label}
        className="flex gap-4 overflow-x-auto border-b border-line px-4"
      >
        {tabs.map((tab) => (
          <Radix.Trigger
            key={tab.value}
            value={tab.value}
            className={cn(
              "-mb-px border-b-2 border-transparent py-2.5 text-sm font-medium whitespace-nowrap",
              "text-ink-3 hover:text-ink data-[state=active]:border-accent data-[state=active]:text-ink",
            )}
          >
            {tab.label}
          </Radix.Trigger>
        ))}
      </Radix.List>
      <Radix.Content value={value} className="focus-visible:outline-offset-[-2px]">
        {children}
      </Radix.Content>
    </Radix.Root>
  );
}
