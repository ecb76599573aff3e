/** The ledger that the demo generator writes, and what must come of it, worked out in ten lines. */
import { readFileSync } from "node:fs";
import { z } from "zod";

const ledgerLine = z.object({
  expected: z.enum(["valid", "duplicate", "bot_user_agent", "test", "rejected"]),
  event_type: z.string(),
  event_id: z.string(),
  campaign_id: z.string(),
  event_time: z.number(),
  late: z.boolean(),
  event: z.string(),
});
export type LedgerLine = z.infer<typeof ledgerLine>;

export function readLedger(file: string): LedgerLine[] {
  const lines = readFileSync(file, "utf8").trim().split("\n");
  return lines.map((line) => ledgerLine.parse(JSON.parse(line)));
}

export interface ExpectedClicks {
  readonly clicks: number;
  readonly gross: number;
}

/**
 * Clicks by campaign that must be counted, and gross of invalid ones.
 *
 * @param late Whether late clicks count too: they do for money, not for the live estimate.
 */
export function expectedClicks(
  ledger: readonly LedgerLine[],
  options: { readonly late: boolean },
): Map<string, ExpectedClicks> {
  const expected = new Map<string, ExpectedClicks>();
  for (const { expected: outcome, event_type, campaign_id, late } of ledger) {
    const counts = outcome === "valid" || outcome === "bot_user_agent";
    if (event_type !== "click" || !counts || (late && !options.late)) continue;
    const { clicks, gross } = expected.get(campaign_id) ?? { clicks: 0, gross: 0 };
    const valid = outcome === "valid" ? 1 : 0;
    expected.set(campaign_id, { clicks: clicks + valid, gross: gross + 1 });
  }
  return expected;
}
