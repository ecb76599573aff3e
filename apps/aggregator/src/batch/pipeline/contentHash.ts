import { hash } from "node:crypto";
import { canonicalJson } from "../domain/canonicalJson.ts";
import { type AttributionSummary, attributionContent } from "../domain/credits.ts";

/** The hash of all that a version says. A day without conversions says no more than what was judged. */
export function contentHashOf(judgedHash: string, credits: AttributionSummary | null): string {
  if (credits === null) return judgedHash;
  const all = { judged: judgedHash, attribution: attributionContent(credits) };
  return hash("sha256", canonicalJson(all));
}
