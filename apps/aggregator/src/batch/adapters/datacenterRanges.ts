import { hash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { ClickHouseClient } from "@clickhouse/client";
import { parseIpRanges, wholeNetworks } from "@trueclick/shared/ip/ranges";
import { z } from "zod";

/** A file of ranges of data centres, as `DATACENTER_RANGES_FILE` names one. */
export interface DatacenterRanges {
  /** Of the file's bytes, lower-case hex. */
  readonly sha256: string;
  /** The networks that lie wholly in its ranges. */
  readonly networks: readonly string[];
}

/** @throws if the file cannot be read, or {RangeError} if a line of it is no range. */
export async function readDatacenterRanges(file: string): Promise<DatacenterRanges> {
  const bytes = await readFile(file);
  const networks = wholeNetworks(parseIpRanges(bytes.toString("utf8")));
  return { sha256: hash("sha256", bytes), networks };
}

const NETWORKS_PER_INSERT = 100_000;
const countRow = z.object({ networks: z.coerce.number().int() });

/** Lets the engine look up the networks of a file. Harmless when repeated. */
export async function loadDatacenterNetworks(
  clickhouse: ClickHouseClient,
  { sha256, networks }: DatacenterRanges,
): Promise<void> {
  const result = await clickhouse.query({
    query: `SELECT uniqExact(ip_net) AS networks FROM datacenter_nets
      WHERE ranges_sha256 = {sha256: String}`,
    query_params: { sha256 },
    format: "JSONEachRow",
    clickhouse_settings: { log_comment: "batch.countNetworks" },
  });
  const [found] = z.tuple([countRow]).parse(await result.json());
  if (found.networks === networks.length) return;
  for (let start = 0; start < networks.length; start += NETWORKS_PER_INSERT) {
    await clickhouse.insert({
      table: "datacenter_nets",
      values: networks
        .slice(start, start + NETWORKS_PER_INSERT)
        .map((ip_net) => ({ ranges_sha256: sha256, ip_net })),
      format: "JSONEachRow",
    });
  }
}
