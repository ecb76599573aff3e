import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { TENANT_CONDITION } from "../tenant.ts";
import { openTestStores, type TestStores } from "../testing/testStores.ts";
import { runTenantQuery } from "./tenantReader.ts";

let stores: TestStores;
beforeAll(async () => {
  stores = await openTestStores();
});
afterAll(() => stores.close());

// Looked at before versions are folded, a condition would bring the version back that was replaced.
it("looks at conditions on what versions differ in once they are folded", async () => {
  const row = {
    advertiser_id: "acme",
    campaign_id: "a1",
    event_hour: Math.floor(Date.now() / HOUR_MS) * (HOUR_MS / SECOND_MS),
  };
  for (const reason of ["duplicate", ""]) {
    await stores.clickhouse.insert({
      table: "stream_corrections",
      format: "JSONEachRow",
      values: [{ ...row, partition: 0, offset: 1, index: 0, event_type: "click", reason }],
    });
  }
  const reasons = (condition: string) =>
    runTenantQuery(
      stores.clickhouse,
      { kind: "all" },
      {
        name: "test",
        sql: `SELECT toString(reason) AS reason FROM stream_corrections FINAL
        WHERE ${TENANT_CONDITION} AND campaign_id = 'a1' AND ${condition}`,
        params: {},
        row: z.object({ reason: z.string() }),
      },
    );
  expect(await reasons("reason != ''")).toEqual([]);
  expect(await reasons("offset = 1")).toEqual([{ reason: "" }]);
});
