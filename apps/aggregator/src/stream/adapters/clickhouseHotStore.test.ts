import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { NOON_MS } from "@trueclick/archive/testing/storedEvents";
import { openClickHouse } from "@trueclick/db/clickhouse/client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { StoreRejectedError, StoreUnavailableError } from "../ports/faults.ts";
import { createClickHouseHotStore } from "./clickhouseHotStore.ts";

/** The number of the error that the server answers with, as ClickHouse's HTTP interface does. */
let code = 0;
const server = createServer((request, response) => {
  request.resume().on("end", () => {
    response.writeHead(500, { "X-ClickHouse-Exception-Code": String(code) });
    response.end(`Code: ${code}. DB::Exception: no. (NAME)\n`);
  });
});
beforeAll(() => new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve)));
afterAll(() => void server.close());

async function write() {
  const { port } = server.address() as AddressInfo;
  const client = openClickHouse(`http://127.0.0.1:${port}`);
  const reject = {
    advertiserId: "adv_1",
    campaignId: "cmp_1",
    ...{ partition: 0, offset: 1n, index: 0, eventId: "event_1", eventType: "click" as const },
    ...{ reason: "duplicate" as const, eventTimeMs: NOON_MS, appendTimeMs: NOON_MS },
  };
  try {
    await createClickHouseHotStore(client).writeRejects([reject], new AbortController().signal);
  } finally {
    await client.close();
  }
}

// Rows that a cluster cannot take while a shard or a replica is away are written again, not given up.
it.each([203, 225, 279, 285, 286, 319])("waits while a cluster answers %i", async (answered) => {
  code = answered;
  await expect(write()).rejects.toBeInstanceOf(StoreUnavailableError);
});

it.each([16, 60, 288])("stops where a repetition would be refused again: %i", async (answered) => {
  code = answered;
  await expect(write()).rejects.toBeInstanceOf(StoreRejectedError);
});
