import { logEndsSeen } from "@trueclick/db/postgres/schema/log";
import { createEmptyDaysLook } from "@trueclick/db/queries/showEmptyDays";
import { publishTruth } from "@trueclick/db/testing/fillStores";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { billingExportEndpoint } from "./endpoints/billingExport.ts";
import { reportEndpoint } from "./endpoints/report.ts";
import { openRestFixture, type RestFixture } from "./testing/restFixture.ts";

const NOW_MS = Date.parse("2026-10-30T12:00:00Z");
const topic = "clicks.raw";

const answerSchema = z.object({ meta: z.object({ finality: z.string() }) });

let rest: RestFixture;
beforeAll(async () => {
  rest = await openRestFixture();
  // Read through the close of the 22nd, which is 72 hours after it, and ten minutes more.
  const seenAt = new Date("2026-10-26T00:10:00Z");
  await rest.stores.db.insert(logEndsSeen).values({ topic, partition: 0, endOffset: 4n, seenAt });
  await publishTruth(rest.stores, {
    ...{ advertiser: "acme", day: "2026-10-10", publishedAt: "2026-10-11T00:10:00Z" },
    cells: [{ campaign: "a1", hour: "2026-10-10T10:00:00Z", events: 4, costMicros: 40 }],
  });
  await createEmptyDaysLook(rest.stores, { topic, allowedLatenessMs: 600_000 })(NOW_MS);
});
afterAll(() => rest.stores.close());

async function finality(from: string, to: string): Promise<string> {
  const query = `mode=billing&from=${from}T00:00:00Z&to=${to}T00:00:00Z&advertiser_id=acme`;
  const answer = await rest.ask(reportEndpoint, query, { key: "acme-key" });
  return answerSchema.parse(await answer.json()).meta.finality;
}

it("reports a range as closed whose days were counted or had no event", async () => {
  expect(await finality("2026-10-09", "2026-10-12")).toBe("closed");
  expect(await finality("2026-08-01", "2026-10-23")).toBe("closed");
  // The 23rd has closed by now, and the log was not read so far.
  expect(await finality("2026-10-09", "2026-10-24")).toBe("live");
  expect(await finality("2026-10-23", "2026-10-24")).toBe("live");
});

it("exports a day without an event as a row of nothing, as final as it is", async () => {
  const answer = await rest.ask(billingExportEndpoint, "advertiser_id=acme&month=2026-10");
  const rows = (await answer.text()).split("\r\n").slice(1, -1);
  const days = (of: readonly string[]) => of.map((row) => row.slice(8, 18));
  // 22 days that are known, and the 28th, which is open; of others nothing is known.
  expect(days(rows)).toEqual(
    [...Array.from({ length: 22 }, (_, at) => at + 1), 28].map(
      (day) => `2026-10-${String(day).padStart(2, "0")}`,
    ),
  );
  expect(rows[8]).toBe(
    "2026-10,2026-10-09,acme,Advertiser acme,,,,closed,0,0,0,0,0,0,0,0,0.000000,EUR,," +
      "2026-10-13T00:00:00.000Z,0,0,",
  );
  expect(rows[9]).toContain("2026-10-10,acme,Advertiser acme,a1,Campaign a1,1,closed,4,");
});

// A script that reads a file of days must not take all of them for as open as the newest one.
it("says of each row of a report's file how final its day is", async () => {
  const range = "from=2026-10-09T00:00:00Z&to=2026-10-29T00:00:00Z";
  const query = `mode=billing&${range}&granularity=day&advertiser_id=acme&format=csv`;
  const answer = await rest.ask(reportEndpoint, query);
  const rows = (await answer.text()).split("\r\n").slice(0, -1);
  const ends = rows.map((row) => [row.slice(0, 10), ...row.split(",").slice(-2)]);
  expect(ends.slice(1)).toEqual([
    ["2026-10-10", "1", "closed"],
    ["2026-10-28", "1", "settling"],
  ]);
  const hourly = await rest.ask(reportEndpoint, query.replace("=day", "=hour"));
  expect((await hourly.text()).split("\r\n")[1]).toMatch(/^2026-10-10T10:00.*,1,closed$/);
  const total = await rest.ask(reportEndpoint, query.replace("=day", "=total"));
  expect((await total.text()).split("\r\n")[1]).toMatch(/,1,live$/);
});
