import { GEO_UNKNOWN, type StoredEvent } from "@trueclick/shared/event/stored";
import { type IpAddress, parseIp, toIpNetwork } from "@trueclick/shared/ip/address";

/** What an IP address tells, which itself is not kept. */
export interface IpFacts {
  /** The country, where nobody said it. */
  readonly geo: string;
  /** Told from the whole address: its network may be a data centre's in part. */
  readonly isDatacenter: boolean;
  readonly stamps: Pick<StoredEvent, "ip_hash" | "ip_net">;
}

/** Of somebody whose address is not known. */
export const IP_UNKNOWN: IpFacts = { geo: GEO_UNKNOWN, isDatacenter: false, stamps: {} };

export interface IpReaderDependencies {
  /** Keyed hash in lower-case hex. Keyed, because all of IPv4 can be hashed in minutes. */
  readonly hashIp: (ip: IpAddress) => string;
  /** Whether an address is of a data centre, where people do not browse. */
  readonly isDatacenterIp: (ip: IpAddress) => boolean;
  /** Country of an address, two letters; null where no database says. None: without a database. */
  readonly findCountry?: (ip: string) => string | null;
}

/** Addresses whose facts are remembered, in memory only; each less than half a KiB. */
const REMEMBERED_MAX = 20_000;

/**
 * Reads addresses as a connection or a sender writes them. A keyed hash takes longer than all else
 * that is done for an event, and the same few addresses come again and again: so their facts are
 * remembered, oldest out first.
 */
export function createIpReader({
  hashIp,
  isDatacenterIp,
  findCountry = () => null,
}: IpReaderDependencies): (text: string) => IpFacts {
  const remembered = new Map<string, IpFacts>();
  return (text) => {
    const known = remembered.get(text);
    if (known !== undefined) return known;
    const ip = parseIp(text);
    // Only what is one: anything else could be endless.
    if (ip === null) return IP_UNKNOWN;
    const stamps = { ip_hash: hashIp(ip), ip_net: toIpNetwork(ip) };
    // An address of IPv4 inside IPv6 is looked up as what it is.
    const geo = findCountry(ip.length === 4 ? ip.join(".") : text) ?? GEO_UNKNOWN;
    const facts = { geo, isDatacenter: isDatacenterIp(ip), stamps };
    if (remembered.size >= REMEMBERED_MAX) {
      const [oldest] = remembered.keys();
      if (oldest !== undefined) remembered.delete(oldest);
    }
    remembered.set(text, facts);
    return facts;
  };
}
