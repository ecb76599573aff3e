import { CircleCheck, CircleDashed, PencilLine, Radio } from "lucide-react";
import { cn } from "./cn.ts";

export const FINALITIES = ["live", "settling", "closed", "corrected"] as const;
/** How far a number may still move, from "by the second" to "changed after it was final". */
export type Finality = (typeof FINALITIES)[number];

const LOOK = {
  live: { Icon: Radio, className: "text-live", word: "Live" },
  settling: { Icon: CircleDashed, className: "text-settling", word: "Settling" },
  closed: { Icon: CircleCheck, className: "text-closed", word: "Closed" },
  corrected: { Icon: PencilLine, className: "text-corrected", word: "Corrected" },
} as const satisfies Record<Finality, unknown>;

export const FINALITY_MEANS: Readonly<Record<Finality, string>> = {
  live: "An estimate made as clicks arrive. Good for decisions, not for bills.",
  settling: "Counted for billing, but late clicks and reviews may still change it.",
  closed: "Final: the time for late clicks and reviews is over.",
  corrected: "Changed after it was final; the earlier figure is kept.",
};

/** The finality as icon, colour and word: never by colour alone. */
export function FinalityBadge({
  finality,
  className,
}: {
  readonly finality: Finality;
  readonly className?: string;
}) {
  const { Icon, className: colour, word } = LOOK[finality];
  return (
    <span
      className={cn(
        "inline-flex items-center gap-1 align-middle text-xs font-medium",
        colour,
        className,
      )}
      title={FINALITY_MEANS[finality]}
    >
      <Icon size={13} strokeWidth={2.25} aria-hidden />
      {word}
    </span>
  );
}
