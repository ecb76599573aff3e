"use client";
import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { useTRPC } from "../../../shell/trpc.tsx";
import { FILTER_DIMENSIONS, type FilterDimension, type Filters } from "../../../shell/urlState.ts";
import type { AccountSummary } from "../../../shell/viewer.tsx";
import { DIMENSION_WORDS, valueWord } from "../fns/dimensions.ts";

interface FilterChipsProps {
  readonly account: AccountSummary;
  readonly filters: Filters;
  readonly onChange: (changes: Partial<Record<FilterDimension, null>>) => void;
}

/** What the page is narrowed to; each chip takes itself away. */
export function FilterChips({ account, filters, onChange }: FilterChipsProps) {
  const trpc = useTRPC();
  const campaigns = useQuery({
    ...trpc.campaigns.list.queryOptions({ advertiserId: account.id }),
    enabled: filters.campaign !== null,
  });
  const chosen = FILTER_DIMENSIONS.filter((dimension) => filters[dimension] !== null);
  return chosen.map((dimension) => {
    const value = filters[dimension] ?? "";
    const name =
      dimension === "campaign"
        ? campaigns.data?.find((campaign) => campaign.id === value)?.name
        : undefined;
    return (
      <button
        key={dimension}
        type="button"
        onClick={() => onChange({ [dimension]: null })}
        aria-label={`Stop filtering by ${DIMENSION_WORDS[dimension].one}`}
        className="inline-flex h-8 max-w-64 items-center gap-1.5 rounded-lg bg-accent-soft px-2.5 text-sm text-accent hover:text-accent-strong"
      >
        <span className="truncate">
          {DIMENSION_WORDS[dimension].one}: {name ?? valueWord(dimension, value)}
        </span>
        <X size={13} aria-hidden className="shrink-0" />
      </button>
    );
  });
}
