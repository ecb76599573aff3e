"use client";
import { CalendarDays, Check } from "lucide-react";
import { type SubmitEvent, useState } from "react";
import { Button } from "../Button.tsx";
import { cn } from "../cn.ts";
import { Popover } from "../Popover.tsx";
import {
  type DayRange,
  isPreset,
  PRESET_WORDS,
  PRESETS,
  parseRangeChoice,
  type RangeChoice,
} from "./dateRange.ts";

interface DateRangePickerProps {
  readonly value: RangeChoice;
  /** The days that `value` means today. */
  readonly days: DayRange;
  readonly today: string;
  readonly timeZone: string;
  readonly onChange: (choice: RangeChoice) => void;
}

export function DateRangePicker(props: DateRangePickerProps) {
  const [open, setOpen] = useState(false);
  const choose = (choice: RangeChoice) => {
    props.onChange(choice);
    setOpen(false);
  };
  return (
    <Popover
      open={open}
      onOpenChange={setOpen}
      className="w-80 p-3"
      trigger={
        <Button>
          <CalendarDays size={14} aria-hidden className="text-ink-3" />
          {isPreset(props.value) ? PRESET_WORDS[props.value] : formatDays(props.days)}
        </Button>
      }
    >
      <div className="-m-1">
        {PRESETS.map((preset) => (
          <button
            key={preset}
            type="button"
            aria-pressed={props.value === preset}
            onClick={() => choose(preset)}
            className={cn(
              "flex h-8 w-full items-center justify-between rounded-md px-2 text-left",
              "hover:bg-sunken aria-pressed:font-medium",
            )}
          >
            {PRESET_WORDS[preset]}
            {props.value === preset && <Check size={14} aria-hidden className="text-accent" />}
          </button>
        ))}
      </div>
      <CustomRange days={props.days} today={props.today} onChoose={choose} />
      <p className="mt-3 text-xs text-ink-3">Days begin at midnight in {props.timeZone}.</p>
    </Popover>
  );
}

interface CustomRangeProps {
  readonly days: DayRange;
  readonly today: string;
  readonly onChoose: (choice: RangeChoice) => void;
}

function CustomRange({ days, today, onChoose }: CustomRangeProps) {
  const [first, setFirst] = useState(days.first);
  const [last, setLast] = useState(days.last);
  const choice = parseRangeChoice(`${first}..${last}`);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (choice !== null) onChoose(choice);
  };
  return (
    <form onSubmit={submit} className="mt-3 space-y-2 border-t border-line pt-3">
      <div className="grid grid-cols-2 gap-2">
        <DayInput label="From" value={first} max={today} onChange={setFirst} />
        <DayInput label="To" value={last} max={today} onChange={setLast} />
      </div>
      <Button type="submit" variant="primary" className="w-full" disabled={choice === null}>
        Show these days
      </Button>
    </form>
  );
}

interface DayInputProps {
  readonly label: string;
  readonly value: string;
  readonly max: string;
  readonly onChange: (day: string) => void;
}

function DayInput({ label, value, max, onChange }: DayInputProps) {
  return (
    <label className="text-xs text-ink-3">
      {label}
      <input
        type="date"
        required
        value={value}
        max={max}
        onChange={(event) => onChange(event.currentTarget.value)}
        className="mt-1 h-8 w-full rounded-lg border border-line bg-surface px-1.5 text-xs text-ink"
      />
    </label>
  );
}

const DAY_FORMAT = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  timeZone: "UTC",
});

function formatDays({ first, last }: DayRange): string {
  return DAY_FORMAT.formatRange(new Date(first), new Date(last));
}
