import type { ApiOutputs } from "../../../shell/apiTypes.ts";
import { formatInstant } from "../../../shell/fns/format.ts";
import type { AccountSummary } from "../../../shell/viewer.tsx";
import type { FigureFacts } from "../../../ui/Figure.tsx";
import type { Finality } from "../../../ui/FinalityBadge.tsx";

/** What stands behind the figures of a month or of a day of it. */
export function monthFacts(
  finality: Finality,
  readAtMs: number,
  account: AccountSummary,
  note: string | null = null,
): FigureFacts {
  return {
    finality,
    asOf: formatInstant(readAtMs, account.timeZone),
    store: "Billing records, counted from the archive",
    ...(note === null ? {} : { note }),
  };
}

type Day = Pick<
  ApiOutputs["billing"]["month"]["days"][number],
  "finality" | "publishedAt" | "finalAt" | "version" | "isEmpty"
>;

/** The same of a day that was counted, or that had nothing to count. */
export function dayFacts(day: Day, account: AccountSummary): FigureFacts {
  const note = day.isEmpty
    ? "No event of this day in the archive, read past its close"
    : `Version ${day.version} of this day`;
  const readAt = day.publishedAt ?? day.finalAt;
  return monthFacts(day.finality, readAt.getTime(), account, note);
}
