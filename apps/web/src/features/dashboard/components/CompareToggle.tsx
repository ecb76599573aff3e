import { Button } from "../../../ui/Button.tsx";
import { cn } from "../../../ui/cn.ts";

interface CompareToggleProps {
  readonly pressed: boolean;
  readonly onChange: (pressed: boolean) => void;
}

export function CompareToggle({ pressed, onChange }: CompareToggleProps) {
  return (
    <Button
      aria-pressed={pressed}
      title="The period of the same length just before, as far as this one has come"
      onClick={() => onChange(!pressed)}
    >
      <span
        aria-hidden
        className={cn(
          "h-0.5 w-3.5 rounded-full",
          pressed ? "bg-chart-previous" : "border-t border-dotted border-line-strong",
        )}
      />
      {pressed ? "vs previous period" : "Compare"}
    </Button>
  );
}
