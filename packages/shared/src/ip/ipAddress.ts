/**
 * IP addresses as bytes, so that one address has one hash however it is written: an IPv4 address
 * inside IPv6 (`::ffff:192.0.2.1`, as a dual-stack socket shows it) is that IPv4 address.
 */

/** 4 bytes for IPv4, 16 for IPv6. */
export type IpAddress = Uint8Array;

const IPV4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;
const GROUP = /^[0-9A-Fa-f]{1,4}$/;
const GROUPS = 8;
const MAPPED_PREFIX = [0, 0, 0, 0, 0, 0xffff];

/** @returns null if the text is no IP address. A zone (`%eth0`) is left out. */
export function parseIp(text: string): IpAddress | null {
  const zone = text.indexOf("%");
  const address = zone === -1 ? text : text.slice(0, zone);
  return address.includes(":") ? parseIpv6(address) : parseIpv4(address);
}

/** The network that the address lies in, in clear: /24 of IPv4, /48 of IPv6. */
export function toIpNetwork(ip: IpAddress): string {
  if (ip.length === 4) return `${ip[0]}.${ip[1]}.${ip[2]}.0/24`;
  const group = (index: number) => ((ip[index] ?? 0) * 256 + (ip[index + 1] ?? 0)).toString(16);
  return `${group(0)}:${group(2)}:${group(4)}::/48`;
}

function parseIpv4(text: string): IpAddress | null {
  const match = IPV4.exec(text);
  if (match === null) return null;
  const octets = match.slice(1).map(Number);
  return octets.every((octet) => octet <= 255) ? Uint8Array.from(octets) : null;
}

function parseIpv6(text: string): IpAddress | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const [head, tail] = halves.map(parseGroups);
  if (head === null || head === undefined || tail === null) return null;

  const missing = GROUPS - head.length - (tail?.length ?? 0);
  // "::" stands for at least one group; without it, all eight must be there.
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...(tail ?? [])];
  const bytes = Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
  return MAPPED_PREFIX.every((group, index) => groups[index] === group) ? bytes.slice(12) : bytes;
}

/** The groups of one side of "::"; its last may be an IPv4 address, which counts as two. */
function parseGroups(side: string): number[] | null {
  if (side === "") return [];
  const groups: number[] = [];
  const parts = side.split(":");
  for (const [index, part] of parts.entries()) {
    const ipv4 = index === parts.length - 1 ? parseIpv4(part) : null;
    if (ipv4 !== null) {
      groups.push(((ipv4[0] ?? 0) << 8) | (ipv4[1] ?? 0), ((ipv4[2] ?? 0) << 8) | (ipv4[3] ?? 0));
    } else if (GROUP.test(part)) groups.push(Number.parseInt(part, 16));
    else return null;
  }
  return groups;
}
