import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { z } from "zod";
import { BASE_MS, blockOf, CAMPAIGNS, HASH_KEY, storedClick } from "../testing/fixtures.ts";
import { initialCheckpoint, PartitionEngine, WINDOW_SIZE_MS } from "./partitionEngine.ts";

/**
 * What Apache Kafka Streams' own tests say of tumbling windows with a grace period. Kept beside the
 * project, not in it: without the file, the one case below stands for them.
 */
const VECTORS = new URL(
  "../../../../../../shared/data/windows/kafka_streams_grace_vectors.json",
  import.meta.url,
);

const record = z.tuple([z.string(), z.number()]);
const result = z.tuple([z.string(), z.number(), z.number(), z.number()]);
const caseSchema = z.object({
  name: z.string(),
  size: z.number(),
  grace: z.number(),
  input: z.array(record),
  dropped: z.array(record),
  final: z.array(result),
});

const WITHOUT_GRACE: z.infer<typeof caseSchema> = {
  name: "without grace a window closes at its end",
  size: 2,
  grace: 0,
  input: [
    ["k1", 0],
    ["k1", 1],
    ["k1", 2],
    ["k1", 1],
  ],
  dropped: [["k1", 1]],
  final: [["k1", 0, 2, 2]],
};

const cases = existsSync(VECTORS)
  ? z.object({ cases: z.array(caseSchema) }).parse(JSON.parse(readFileSync(VECTORS, "utf8"))).cases
  : [];

// Their stream time is the newest event time; ours the newest append time, here the same.
it.each([WITHOUT_GRACE, ...cases])("$name", ({ size, grace, input, dropped, final }) => {
  const unitMs = WINDOW_SIZE_MS / size;
  const options = {
    partition: 0,
    allowedLatenessMs: grace * unitMs,
    openEntriesMax: 1_000,
    hashKey: HASH_KEY,
  };
  const engine = new PartitionEngine(options, initialCheckpoint(0n));
  let streamTime = 0;
  for (const [serial, [ad_id, time]] of input.entries()) {
    streamTime = Math.max(streamTime, time);
    const event_time = BASE_MS + time * unitMs;
    const click = storedClick({ event_id: `evt-${serial}-grace`, ad_id, event_time });
    const appendTimeMs = BASE_MS + streamTime * unitMs;
    engine.admit({ offset: BigInt(serial), appendTimeMs, value: blockOf([click]) }, CAMPAIGNS);
  }

  const { cells, rejects } = engine.takeChanges();
  const watermarkMs = engine.checkpoint().watermarkMs ?? 0;
  const closed = [...cells]
    .filter(
      ({ cube, windowStartMs }) => cube === "ad" && windowStartMs + WINDOW_SIZE_MS <= watermarkMs,
    )
    .map(({ dimensionValue, windowStartMs, clicks }) => {
      const start = (windowStartMs - BASE_MS) / unitMs;
      return [dimensionValue, start, start + size, clicks];
    });
  expect(closed).toEqual(final);
  expect(rejects.map(({ reason }) => reason)).toEqual(dropped.map(() => "late"));
});
