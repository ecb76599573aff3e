import { formatInstant } from "../../../shell/fns/format.ts";
import type { AccountSummary } from "../../../shell/viewer.tsx";
import type { FigureFacts } from "../../../ui/Figure.tsx";
import type { Finality } from "../../../ui/FinalityBadge.tsx";

/** What stands behind the figures of a month or of a day of it. */
export function monthFacts(
  finality: Finality,
  readAtMs: number,
  account: AccountSummary,
  version: number | null = null,
): FigureFacts {
  return {
    finality,
    asOf: formatInstant(readAtMs, account.timeZone),
    store: "Billing records, counted from the archive",
    ...(version === null ? {} : { note: `Version ${version} of this day` }),
  };
}
