import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { EdgeMetrics } from "../ports/edgeMetrics.ts";
import type { SpoolStats } from "../ports/spool.ts";
import { DurationHistogram, Tally } from "./tallies.ts";

const DURATION_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface PromEdgeMetrics extends EdgeMetrics {
  /** In Prometheus' text format. */
  render(): Promise<{ readonly contentType: string; readonly text: string }>;
}

/** What is read at the moment somebody asks. */
export interface EdgeGauges {
  /** Bytes of bodies held now. */
  readonly inFlightBytes: () => number;
  /** The part of every source's limit that holds now, 0 to 1. */
  readonly limitFactor: () => number;
  /** Since the key directory last answered, milliseconds; null before it did. */
  readonly keysAgeMs: () => number | null;
  /** Since the keys of click tokens were read, milliseconds; null before they were. */
  readonly tokenKeysAgeMs: () => number | null;
  /** Null where there is no spool. */
  readonly spool: (() => SpoolStats) | null;
}

export function createPromEdgeMetrics({
  inFlightBytes,
  limitFactor,
  keysAgeMs,
  tokenKeysAgeMs,
  spool,
}: EdgeGauges): PromEdgeMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const lost = new Counter({
    name: "trueclick_edge_quarantine_lost_events_total",
    help: "Refused events whose bytes were not kept.",
    registers: [registry],
  });
  const tally = (name: string, help: string, labelNames: readonly string[]) =>
    registerTally(registry, name, help, labelNames);
  const received = tally("received_events", "Events received.", ["source"]);
  const accepted = tally("accepted_events", "Events that are in the log.", ["source"]);
  const quarantined = tally("quarantined_events", "Events refused for what they are.", [
    "source",
    "code",
  ]);
  const refused = tally("refused_events", "Events answered with an error; the sender has them.", [
    "source",
    "status",
  ]);
  const replayed = tally("replayed_events", "Quarantined events that were judged again.", [
    "source",
    "outcome",
  ]);
  const bytes = tally("received_bytes", "Bytes of bodies, before decompression.", ["route"]);
  const durations = new DurationHistogram(
    "trueclick_edge_request_duration_seconds",
    "Time from a request's headers to its answer.",
    DURATION_BUCKETS_S,
  );
  new Gauge({
    name: "trueclick_edge_in_flight_bytes",
    help: "Bytes of bodies held now.",
    registers: [registry],
    collect() {
      this.set(inFlightBytes());
    },
  });
  new Gauge({
    name: "trueclick_edge_limit_factor",
    help: "Part of every source's rate limit that the log's health leaves.",
    registers: [registry],
    collect() {
      this.set(limitFactor());
    },
  });
  registerAge(registry, "key_directory", "Since the key directory last answered.", keysAgeMs);
  registerAge(registry, "token_keys", "Since the keys of tokens were read.", tokenKeysAgeMs);
  if (spool !== null) registerSpool(registry, spool);

  return {
    recordEvents(source, outcome) {
      received.add(source, "", outcome.events);
      if (outcome.kind === "accepted") accepted.add(source, "", outcome.events);
      else if (outcome.kind === "refused") {
        refused.add(source, String(outcome.status), outcome.events);
      } else quarantined.add(source, outcome.code, outcome.events);
    },
    recordQuarantineLoss(events) {
      lost.inc(events);
    },
    recordReplay(source, accepts, rejects) {
      replayed.add(source, "accepted", accepts);
      replayed.add(source, "rejected", rejects);
    },
    recordRequest(route, status, durationMs, bodyBytes) {
      bytes.add(route, "", bodyBytes);
      durations.observe(route, status, durationMs / 1_000);
    },
    async render() {
      const text = `${await registry.metrics()}${durations.render()}`;
      return { contentType: registry.contentType, text };
    },
  };
}

/** @param labelNames One or two. */
function registerTally(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly string[],
): Tally {
  const tally = new Tally();
  const [firstName = "", secondName] = labelNames;
  new Counter({
    name: `trueclick_edge_${name}_total`,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      for (const [first, second, sum] of tally.entries()) {
        const more = secondName === undefined ? {} : { [secondName]: second };
        this.inc({ [firstName]: first, ...more }, sum);
      }
    },
  });
  return tally;
}

/** Without a value until there is one: 0 would say that it is fresh. */
function registerAge(
  registry: Registry,
  name: string,
  help: string,
  ageMs: () => number | null,
): void {
  new Gauge({
    name: `trueclick_edge_${name}_age_seconds`,
    help,
    registers: [registry],
    collect() {
      const age = ageMs();
      this.set(age === null ? Number.NaN : age / 1_000);
    },
  });
}

function registerSpool(registry: Registry, stats: () => SpoolStats): void {
  const read = (name: string, help: string, value: (stats: SpoolStats) => number) =>
    new Gauge({
      name: `trueclick_edge_spool_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(value(stats()));
      },
    });
  const count = (name: string, help: string, value: (stats: SpoolStats) => number) =>
    new Counter({
      name: `trueclick_edge_spool_${name}_total`,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(value(stats()));
      },
    });
  read("bytes", "Bytes of acked blocks on disk, not in the log yet.", ({ bytes }) => bytes);
  read("records", "Acked blocks on disk, not in the log yet.", ({ records }) => records);
  count("spooled_records", "Blocks written to disk.", ({ spooledRecords }) => spooledRecords);
  count("drained_records", "Blocks brought to the log.", ({ drainedRecords }) => drainedRecords);
  count("failed_appends", "Appends that found no room.", ({ failedAppends }) => failedAppends);
  count("torn_bytes", "Bytes of writes that a crash cut short.", ({ tornBytes }) => tornBytes);
  count("damaged_bytes", "Acked bytes that the disk lost.", ({ damagedBytes }) => damagedBytes);
  read("files_aside", "Damaged files, kept for a person to see.", ({ filesAside }) => filesAside);
  read(
    "files_unremoved",
    "Drained files that the disk would not remove yet.",
    ({ filesUnremoved }) => filesUnremoved,
  );
}
