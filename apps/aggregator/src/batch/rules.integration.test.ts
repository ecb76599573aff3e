import { dayBounds, dayOf } from "@trueclick/shared/calendar";
import { EVENT_FLAGS, type EventFlag } from "@trueclick/shared/event/stored";
import { quickVerdict, type Verdict } from "@trueclick/shared/verdict";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { NOON_MS, storedEvent } from "../archive/testing/storedEvents.ts";
import { judgeSql } from "./domain/judgeSql.ts";
import { STANDARD_RULES, verdictSql } from "./domain/rules.ts";
import { type BatchWorld, openBatchWorld } from "./testing/batchWorld.ts";

let world: BatchWorld;
beforeAll(async () => {
  world = await openBatchWorld();
});
afterAll(() => world.close());

async function ask<Row>(query: string, row: z.ZodType<Row>): Promise<Row[]> {
  const result = await world.archive.clickhouse.query({
    query,
    format: "JSONEachRow",
    clickhouse_settings: { use_hive_partitioning: 0 },
  });
  return z.array(row).parse(await result.json());
}

/** Every set of flags there is. */
const flagSets = Array.from({ length: 2 ** EVENT_FLAGS.length }, (_, bits) =>
  EVENT_FLAGS.filter((_flag, at) => (bits & (1 << at)) !== 0),
);
const facts = flagSets.flatMap((flags) =>
  [true, false].flatMap((test) =>
    [true, false].map((campaignKnown) => ({ test, campaignKnown, flags })),
  ),
);

// Stream and truth must agree on what both can know: each difference shows as drift to be explained.
it("judges by the same words and order in SQL as the stream does", async () => {
  const rows = facts.map((fact) =>
    JSON.stringify({
      test: fact.test,
      campaign_known: fact.campaignKnown,
      flags: fact.flags.join(","),
    }),
  );
  const verdicts = await ask(
    `SELECT ${verdictSql(STANDARD_RULES)} AS verdict
    FROM (SELECT *, splitByChar(',', flags) AS flag_words, true AS is_first, true AS is_same,
        0 AS event_time_ms, CAST(NULL, 'Nullable(Int64)') AS starts_ms,
        CAST(NULL, 'Nullable(Int64)') AS ends_ms
      FROM format(JSONEachRow, 'test Bool, campaign_known Bool, flags String', '${rows.join("\n")}'))`,
    z.object({ verdict: z.string() }),
  );
  expect(verdicts.map(({ verdict }) => verdict)).toEqual(facts.map(quickVerdict));
});

it("judges one event by itself as it judges the whole day", async () => {
  const day = dayOf(NOON_MS, "UTC");
  await world.addAdvertiser("adv_1", {
    timeZone: "UTC",
    campaigns: [{ id: "it's \\ 1", rates: [[0, 5n]] }],
  });
  const flagsOf = (at: number): EventFlag[] => (at % 3 === 0 ? ["prefetch"] : ["token_ok"]);
  const events = Array.from({ length: 30 }, (_, at) =>
    storedEvent({
      event_id: `evt-${String(at % 20).padStart(5, "0")}`,
      campaign_id: "it's \\ 1",
      flags: flagsOf(at),
    }),
  );
  await world.archive.append(events);
  await world.archive.archiveAll();
  await world.recount("adv_1", day);
  const truth = await world.current("adv_1", day);

  const paths: string[] = [];
  for await (const path of world.archive.objects.list("raw/")) paths.push(path);
  const judged: { eventId: string; verdict: Verdict | string }[] = [];
  for (const eventId of new Set(events.map(({ event_id }) => event_id))) {
    const sql = judgeSql({
      rows: world.archive.clickhouseObjects.rowsOf(paths),
      copies: null,
      campaigns: (
        await world.stores.inputs.read({
          id: 1n,
          advertiserId: truth?.advertiserId ?? failed(),
          billingDay: day,
          reason: "",
          attempt: 1,
          full: true,
        })
      ).campaigns,
      ruleSet: STANDARD_RULES,
      bounds: dayBounds(day, "UTC"),
      eventId,
    });
    judged.push(
      ...(await ask(
        `SELECT event_id AS eventId, verdict,
          concat(toString(partition), ':', toString(offset), ':', toString(\`index\`)) AS coordinates
        FROM (${sql}) ORDER BY eventId, coordinates`,
        z.object({ eventId: z.string(), verdict: z.string(), coordinates: z.string() }),
      )),
    );
  }
  expect(judged).toHaveLength(30);
  expect(judged.filter(({ verdict }) => verdict !== "valid")).toEqual(truth?.rejects);
});

function failed(): never {
  throw new Error("nothing was published");
}
