"use client";
import { SECOND_MS } from "@trueclick/shared/time";
import { STALE_AFTER_MS } from "../../../report/fns/factsOf.ts";
import type { Report } from "../../../report/hooks/useReport.ts";
import { formatAge } from "../../../shell/fns/format.ts";
import { useNow } from "../../../shell/hooks/useNow.ts";
import type { Mode } from "../../../shell/urlState.ts";
import { StaleState } from "../../../ui/States.tsx";

interface StaleNoticeProps {
  readonly query: { readonly data: Report | undefined; readonly isError: boolean };
  readonly mode: Mode;
}

/** Says that the figures are old, how old and why. Shows nothing while they are fresh. */
export function StaleNotice({ query, mode }: StaleNoticeProps) {
  const nowMs = useNow(SECOND_MS, 0);
  if (query.data === undefined || nowMs === 0) return null;

  const ageMs = nowMs - Date.parse(query.data.meta.as_of);
  if (query.isError) {
    return (
      <StaleState>
        The figures are from {formatAge(ageMs)} ago: the server does not answer. They will refresh
        by themselves once it does.
      </StaleState>
    );
  }
  if (mode === "billing" || ageMs <= STALE_AFTER_MS) return null;
  return (
    <StaleState>
      Live counting is {formatAge(ageMs)} behind. Clicks are still being received and kept; the
      figures will catch up by themselves.
    </StaleState>
  );
}
