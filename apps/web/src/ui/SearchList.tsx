"use client";
import { Command } from "cmdk";
import type { ReactNode } from "react";

interface SearchListProps {
  readonly label: string;
  readonly options: readonly {
    readonly value: string;
    /** What typing is matched with. */
    readonly text: string;
    readonly node: ReactNode;
  }[];
  readonly onChoose: (value: string) => void;
}

/** One of many, found by typing. */
export function SearchList({ label, options, onChoose }: SearchListProps) {
  return (
    <Command label={label}>
      <Command.Input
        autoFocus
        placeholder={label}
        className="h-10 w-full border-b border-line bg-transparent px-3 text-sm outline-none"
      />
      <Command.List className="max-h-72 overflow-y-auto p-1">
        <Command.Empty className="px-2 py-6 text-center text-ink-3">Nothing found.</Command.Empty>
        {options.map((option) => (
          <Command.Item
            key={option.value}
            value={option.text}
            onSelect={() => onChoose(option.value)}
            className={
              "flex min-h-8 cursor-pointer items-center gap-2 rounded-md px-2 data-[selected=true]:bg-sunken"
            }
          >
            {option.node}
          </Command.Item>
        ))}
      </Command.List>
    </Command>
  );
}
