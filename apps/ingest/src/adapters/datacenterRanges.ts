import { readFile } from "node:fs/promises";
import type { IpAddress } from "@trueclick/shared/ip/address";
import { isInRanges, parseIpRanges } from "@trueclick/shared/ip/ranges";

/**
 * Tells addresses of data centres by a file of ranges (`first,last,…` a line); nobody's is one
 * without a file.
 *
 * @throws if the file cannot be read, or {RangeError} if a line of it is no range.
 */
export async function readDatacenterRanges(
  file: string | undefined,
): Promise<(ip: IpAddress) => boolean> {
  if (file === undefined) return () => false;
  const ranges = parseIpRanges(await readFile(file, "utf8"));
  return (ip) => isInRanges(ranges, ip);
}
