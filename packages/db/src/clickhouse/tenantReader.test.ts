import { createClient } from "@clickhouse/client";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { TENANT_CONDITION } from "../tenant.ts";
import { runTenantQuery } from "./tenantReader.ts";

/** Points nowhere: these queries must not get as far as a server. */
const client = createClient({ url: "http://127.0.0.1:1" });

function run(sql: string) {
  const query = { name: "test", sql, params: {}, row: z.unknown() };
  return runTenantQuery(client, { kind: "all" }, query);
}

// The scope of staff would hide a missing condition from every test that staff runs.
describe("a query over tenants' rows is refused, whoever runs it,", () => {
  it.each([
    ["without a tenant condition", "SELECT count() FROM hot_minutes"],
    [
      "with one for two tables",
      `SELECT 1 FROM stream_rejects FINAL WHERE ${TENANT_CONDITION} UNION ALL SELECT 1 FROM truth_rejects`,
    ],
    [
      "when joined without one",
      `SELECT 1 FROM truth_cube a JOIN truth_cube b USING (campaign_id)
      WHERE ${TENANT_CONDITION}`,
    ],
    ["over tables that have no tenants", "SELECT 1 FROM system.one"],
  ])("%s", (_case, sql) => {
    expect(() => run(sql)).toThrow(RangeError);
  });
});
