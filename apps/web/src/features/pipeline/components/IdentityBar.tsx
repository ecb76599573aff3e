import { formatCount, formatPercent } from "../../../shell/fns/format.ts";
import { cn } from "../../../ui/cn.ts";
import { Figure } from "../../../ui/Figure.tsx";
import { Term } from "../../../ui/Term.tsx";
import { type IdentityCounts, type IdentityPart, prepareIdentity } from "../fns/prepareIdentity.ts";

const LOOK: Readonly<
  Record<
    IdentityPart["id"],
    { readonly word: string; readonly means: string; readonly bar: string }
  >
> = {
  counted: { word: "counted", means: "Counted by the live estimate.", bar: "bg-verdict-counted" },
  duplicate: {
    word: "duplicate",
    means: "Received before; kept, and counted once.",
    bar: "bg-verdict-duplicate",
  },
  invalid: {
    word: "invalid",
    means: "Kept with the reason why it does not count.",
    bar: "bg-verdict-givt",
  },
  late: {
    word: "late",
    means: "Too late for the live estimate; billing counts it.",
    bar: "bg-verdict-late",
  },
  quarantined: {
    word: "quarantined",
    means: "Refused at the edge with a reason; the bytes are kept and can be replayed.",
    bar: "bg-bad",
  },
  inFlight: {
    word: "in flight",
    means: "Archived, and not read by the stream yet.",
    bar: "bg-verdict-late hatched",
  },
};

/** received = counted + duplicate + invalid + late + quarantined + in flight, as a bar that must be full. */
export function IdentityBar({ counts }: { readonly counts: IdentityCounts }) {
  const { parts, missing } = prepareIdentity(counts);
  return (
    <div>
      <p className="mb-3 text-sm text-ink-2">
        <Figure focusable inFullInk className="text-lg font-semibold">
          {formatCount(Number(counts.received))}
        </Figure>{" "}
        received
        {missing === 0n ? (
          <span className="ml-2 text-closed">= the parts below, to the event</span>
        ) : (
          <strong className="ml-2 text-bad">
            {formatCount(Number(missing))} not accounted for: this is an error of ours
          </strong>
        )}
      </p>
      <div aria-hidden className="flex h-5 gap-px overflow-hidden rounded-md bg-bad-soft">
        {parts.map((part) => (
          <span
            key={part.id}
            className={cn("h-full", LOOK[part.id].bar)}
            style={{ width: `${part.share * 100}%` }}
          />
        ))}
      </div>
      <ul className="mt-3 flex flex-wrap gap-x-6 gap-y-2 text-sm">
        {parts.map((part) => (
          <li key={part.id} className="inline-flex items-center gap-2">
            <span aria-hidden className={cn("size-2.5 rounded-xs", LOOK[part.id].bar)} />
            <Term means={LOOK[part.id].means}>{LOOK[part.id].word}</Term>
            <Figure>{formatCount(Number(part.events))}</Figure>
            <span className="text-ink-3 tabular-nums">{formatPercent(part.share)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
