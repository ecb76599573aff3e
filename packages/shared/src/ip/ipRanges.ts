/** Ranges of IP addresses, as lists of data centres give them: `start,end,…`, both inclusive. */
import { type IpAddress, parseIp, toIpNetwork } from "./ipAddress.ts";

/** Ranges of one family, by start; none meets another. */
interface FamilyRanges {
  readonly starts: readonly bigint[];
  /** Inclusive. */
  readonly ends: readonly bigint[];
}

/** Ranges, merged and sorted. */
export interface IpRanges {
  readonly v4: FamilyRanges;
  readonly v6: FamilyRanges;
}

/** Most networks that lie wholly in a list's ranges: an eighth of all of IPv4. */
export const WHOLE_NETWORKS_MAX = 2_097_152;

const FAMILIES = [
  { family: "v4", bytes: 4, network: 256n },
  { family: "v6", bytes: 16, network: 1n << 80n },
] as const;

/**
 * Reads a list: one range a line, its first two fields the first and last address; lines that are
 * empty or begin with `#` are left out.
 *
 * @throws {RangeError} naming the line that is no range.
 */
export function parseIpRanges(text: string): IpRanges {
  const pairs = text.split("\n").flatMap((line, at): [IpAddress, IpAddress][] => {
    const fields = line.split(",").map((field) => field.trim());
    const [first = "", last = ""] = fields;
    if (first === "" || first.startsWith("#")) return [];
    const [start, end] = [parseIp(first), parseIp(last)];
    if (
      start === null ||
      end === null ||
      start.length !== end.length ||
      toNumber(start) > toNumber(end)
    ) {
      throw new RangeError(`line ${at + 1} is no range of addresses: ${line.slice(0, 80)}`);
    }
    return [[start, end]];
  });
  return { v4: merge(pairs, 4), v6: merge(pairs, 16) };
}

/** Whether an address lies in one of the ranges. Takes logarithmic time. */
export function isInRanges(ranges: IpRanges, ip: IpAddress): boolean {
  const { starts, ends } = ip.length === 4 ? ranges.v4 : ranges.v6;
  const address = toNumber(ip);
  const at = lastAtOrBefore(starts, address);
  const end = ends[at];
  return end !== undefined && address <= end;
}

/**
 * The networks (/24, /48) that lie wholly in the ranges, as `toIpNetwork` writes them. An address of
 * such a network is in the ranges for certain; of the other networks nothing can be said.
 *
 * @throws {RangeError} if there are more than `WHOLE_NETWORKS_MAX`.
 */
export function wholeNetworks(ranges: IpRanges): string[] {
  const networks: string[] = [];
  for (const { family, bytes, network } of FAMILIES) {
    for (const [at, start] of ranges[family].starts.entries()) {
      const end = ranges[family].ends[at] ?? start;
      const first = ((start + network - 1n) / network) * network;
      for (let from = first; from + network - 1n <= end; from += network) {
        if (networks.length === WHOLE_NETWORKS_MAX) {
          throw new RangeError(`the ranges hold more than ${WHOLE_NETWORKS_MAX} networks`);
        }
        networks.push(toIpNetwork(toAddress(from, bytes)));
      }
    }
  }
  return networks;
}

function merge(pairs: readonly (readonly [IpAddress, IpAddress])[], bytes: 4 | 16): FamilyRanges {
  const own = pairs
    .filter(([start]) => start.length === bytes)
    .map(([start, end]) => [toNumber(start), toNumber(end)] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const starts: bigint[] = [];
  const ends: bigint[] = [];
  for (const [start, end] of own) {
    const last = ends.at(-1);
    // Neighbours too are one range: a network may lie across the two.
    if (last !== undefined && start <= last + 1n) {
      if (end > last) ends[ends.length - 1] = end;
    } else {
      starts.push(start);
      ends.push(end);
    }
  }
  return { starts, ends };
}

/** Index of the last start that is at or before an address; -1 when none is. */
function lastAtOrBefore(starts: readonly bigint[], address: bigint): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((starts[middle] ?? 0n) <= address) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function toNumber(ip: IpAddress): bigint {
  return ip.reduce((number, byte) => (number << 8n) | BigInt(byte), 0n);
}

function toAddress(number: bigint, bytes: 4 | 16): IpAddress {
  return Uint8Array.from({ length: bytes }, (_, at) =>
    Number((number >> BigInt(8 * (bytes - 1 - at))) & 0xffn),
  );
}
