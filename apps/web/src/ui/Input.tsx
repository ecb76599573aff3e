import type { ComponentProps } from "react";
import { cn } from "./cn.ts";

interface FieldProps extends ComponentProps<"input"> {
  readonly label: string;
  /** What is wrong with the value and how to put it right. */
  readonly error?: string | undefined;
}

/** A text field with its label; the label is never only a placeholder. */
export function Field({ label, error, id, className, ...rest }: FieldProps) {
  return (
    <label htmlFor={id} className="block">
      <span className="mb-1.5 block text-sm font-medium text-ink-2">{label}</span>
      <input
        id={id}
        aria-invalid={error !== undefined}
        aria-describedby={error === undefined ? undefined : `${id}-error`}
        className={cn(
          "h-10 w-full rounded-lg border border-line-strong bg-surface px-3 text-base text-ink",
          "placeholder:text-ink-3 aria-invalid:border-bad",
          className,
        )}
        {...rest}
      />
      {error !== undefined && (
        <span id={`${id}-error`} className="mt-1.5 block text-xs text-bad">
          {error}
        </span>
      )}
    </label>
  );
}
