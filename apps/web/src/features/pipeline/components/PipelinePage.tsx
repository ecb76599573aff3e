"use client";
import { useQuery } from "@tanstack/react-query";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { PageHeader } from "../../../shell/components/PageHeader.tsx";
import {
  formatAge,
  formatCount,
  formatInstant,
  formatMoney,
  formatPercent,
} from "../../../shell/fns/format.ts";
import { hasFailed } from "../../../shell/fns/hasFailed.ts";
import { useNow } from "../../../shell/hooks/useNow.ts";
import { useTRPC } from "../../../shell/trpc.tsx";
import { Card } from "../../../ui/Card.tsx";
import { FactsProvider } from "../../../ui/Figure.tsx";
import { Skeleton } from "../../../ui/Skeleton.tsx";
import { StatCard } from "../../../ui/StatCard.tsx";
import { EmptyState, ErrorState } from "../../../ui/States.tsx";
import { DriftAlarm } from "./DriftAlarm.tsx";
import { IdentityBar } from "./IdentityBar.tsx";
import { PartitionsTable } from "./PartitionsTable.tsx";
import { RefusedEvents } from "./RefusedEvents.tsx";

const REFRESH_MS = 2 * SECOND_MS;
const BYTES_PER_MEGABYTE = 1_000_000;
const MEGABYTES = new Intl.NumberFormat("en-GB", {
  style: "unit",
  unit: "megabyte",
  maximumFractionDigits: 1,
});

interface PipelinePageProps {
  readonly renderedAtMs: number;
}

/** How the data's way stands: nothing lost, how far each reader is, how old the newest data is. */
export function PipelinePage({ renderedAtMs }: PipelinePageProps) {
  const trpc = useTRPC();
  const nowMs = useNow(SECOND_MS, renderedAtMs);
  const health = useQuery(
    trpc.pipeline.health.queryOptions(undefined, { refetchInterval: REFRESH_MS }),
  );
  const cost = useQuery(trpc.pipeline.cost.queryOptions(undefined, { refetchInterval: HOUR_MS }));
  const { data, dataUpdatedAt } = health;
  const age = (ms: number | null) => (ms === null ? null : formatAge(Math.max(0, nowMs - ms)));
  const rate = (ratio: number | null) => (ratio === null ? null : formatPercent(ratio));
  const loading = data === undefined;

  if (hasFailed(health)) {
    return (
      <ErrorState
        title="The pipeline's state cannot be read"
        onRetry={health.refetch}
        className="pt-24"
      >
        Whether events are received does not depend on it: the edge answers on its own.
      </ErrorState>
    );
  }
  return (
    <FactsProvider
      value={{
        finality: "live",
        asOf: formatInstant(dataUpdatedAt, "UTC"),
        store: "Checkpoints of stream and archive",
      }}
    >
      <PageHeader title="Pipeline">
        {data !== undefined && data.level > 0 && (
          <span className="rounded-lg bg-warn-soft px-2.5 py-1 text-sm text-settling">
            Degraded, level {data.level}: detail is left out, events are not
          </span>
        )}
      </PageHeader>
      <div className="space-y-4">
        <div className="flex snap-x scroll-px-3 gap-3 overflow-x-auto max-md:-mx-3 max-md:px-3">
          <StatCard
            label="Newest event"
            means="Time since the log took the newest event that the stream has read."
            value={age(data?.newestEventMs ?? null)}
            loading={loading}
          />
          <StatCard
            label="Watermark"
            means="How long ago the time lies before which no more events are expected. Normally the allowed lateness."
            value={age(data?.watermarkMs ?? null)}
            loading={loading}
          />
          <StatCard
            label="Late"
            means="Share of events that came too late for the live estimate. Billing counts them."
            value={rate(data?.lateRate ?? null)}
            loading={loading}
          />
          <StatCard
            label="Duplicates"
            means="Share of events that were received before."
            value={rate(data?.duplicateRate ?? null)}
            loading={loading}
          />
          <StatCard
            label="Archive"
            means="Immutable files from which billing is counted."
            value={data && formatCount(data.archive.objects)}
            loading={loading}
            footnote={
              data && `files, ${MEGABYTES.format(Number(data.archive.bytes) / BYTES_PER_MEGABYTE)}`
            }
          />
          <StatCard
            label="Cost of a billion events"
            means="What edge, aggregator and ClickHouse took of processors in the last 24 hours and a month of archive, at list prices: 0.04 dollars a core and hour, 0.023 a gigabyte and month. Postgres and Kafka do not tell theirs."
            value={costText(cost.data?.perBillionEventsMicros ?? null)}
            loading={cost.isLoading}
            footnote={cost.data && measuredBy(cost.data.events)}
          />
        </div>
        <Card title="Every event is accounted for">
          {loading ? <Skeleton className="h-24" /> : <IdentityBar counts={data.identity} />}
        </Card>
        <DriftAlarm nowMs={nowMs} />
        <Card bodyClassName="p-0">
          {loading && <Skeleton className="m-4 h-48" />}
          {data?.partitions.length === 0 && (
            <EmptyState title="No event has been read yet">
              Send one to the edge; the README shows how with one line.
            </EmptyState>
          )}
          {data !== undefined && data.partitions.length > 0 && (
            <PartitionsTable partitions={data.partitions} nowMs={nowMs} />
          )}
        </Card>
        <RefusedEvents nowMs={nowMs} />
      </div>
    </FactsProvider>
  );
}

const costText = (micros: number | null) => (micros === null ? null : formatMoney(micros, "USD"));

const measuredBy = (events: number) =>
  events === 0 ? "known after a whole hour" : `by ${formatCount(events)} of the last day`;
