"use client";
import * as ToggleGroup from "radix-ui/toggle-group";
import { cn } from "./cn.ts";

interface SegmentedControlProps<Value extends string> {
  readonly label: string;
  readonly value: Value;
  readonly options: readonly {
    readonly value: Value;
    readonly label: string;
    /** Stands in for the label where there is no room for it. */
    readonly short?: string;
  }[];
  readonly onChange: (value: Value) => void;
}

/** One of a few, all in sight. Arrow keys move between them. */
export function SegmentedControl<Value extends string>(props: SegmentedControlProps<Value>) {
  return (
    <ToggleGroup.Root
      type="single"
      aria-label={props.label}
      value={props.value}
      onValueChange={(next) => {
        const chosen = props.options.find((option) => option.value === next);
        if (chosen !== undefined) props.onChange(chosen.value);
      }}
      className="inline-flex h-8 shrink-0 rounded-lg bg-sunken p-0.5"
    >
      {props.options.map((option) => (
        <ToggleGroup.Item
          key={option.value}
          value={option.value}
          aria-label={option.label}
          className={cn(
            "rounded-md px-3 text-sm font-medium whitespace-nowrap text-ink-2 transition-colors",
            "hover:text-ink data-[state=on]:bg-surface data-[state=on]:text-ink",
            "data-[state=on]:shadow-[0_0_0_1px_var(--line)]",
          )}
        >
          {option.short === undefined ? (
            option.label
          ) : (
            <>
              <span className="max-sm:hidden">{option.label}</span>
              <span className="sm:hidden">{option.short}</span>
            </>
          )}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  );
}
