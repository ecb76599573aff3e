import { hash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { ClickHouseClient } from "@clickhouse/client";
import { parseIpRanges, wholeNetworks } from "@trueclick/shared/ip/ranges";
import { z } from "zod";
import { JobRefusedError } from "../ports/jobQueue.ts";

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

/**
 * Looks whether the engine has the networks of an earlier file, which is not there to be loaded again.
 * What a published version names was loaded whole before it was judged.
 *
 * @throws {JobRefusedError} if it has none.
 */
export async function requireNetworks(clickhouse: ClickHouseClient, sha256: string): Promise<void> {
  if ((await countNetworks(clickhouse, sha256)) > 0) return;
  throw new JobRefusedError(`the data-centre ranges with sha256 ${sha256} are not known any more`);
}

const COUNT_NETWORKS = `
  SELECT uniqExact(ip_net) AS networks FROM datacenter_nets WHERE ranges_sha256 = {sha256: String}`;

/** The SQL that networks are looked up by, by the names of its queries. */
export const NETWORKS_PROGRAM: Readonly<Record<string, string>> = {
  "batch.countNetworks": COUNT_NETWORKS,
};

const NETWORKS_PER_INSERT = 100_000;
const countRow = z.object({ networks: z.coerce.number().int() });

/** Lets the engine look up the networks of a file. Harmless when repeated. */
export async function loadDatacenterNetworks(
  clickhouse: ClickHouseClient,
  { sha256, networks }: DatacenterRanges,
): Promise<void> {
  if ((await countNetworks(clickhouse, sha256)) === networks.length) return;
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

async function countNetworks(clickhouse: ClickHouseClient, sha256: string): Promise<number> {
  const result = await clickhouse.query({
    query: COUNT_NETWORKS,
    query_params: { sha256 },
    format: "JSONEachRow",
    clickhouse_settings: { log_comment: "batch.countNetworks" },
  });
  const [found] = z.tuple([countRow]).parse(await result.json());
  return found.networks;
}
