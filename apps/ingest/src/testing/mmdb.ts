/** Writes a small database in MaxMind's format (version 2.0): what is read is then known. */

const RECORD_BYTES = 3;
const MARKER = Buffer.from("\xab\xcd\xefMaxMind.com", "latin1");

type Node = [Node | string | null, Node | string | null];

/** @param countries By /24 of IPv4, such as `192.0.2`. */
export function mmdbOf(countries: Readonly<Record<string, string>>): Buffer {
  const root: Node = [null, null];
  for (const [network, country] of Object.entries(countries)) put(root, bitsOf(network), country);
  const nodes = flatten(root);
  const data = Buffer.concat(Object.values(countries).map(countryData));
  const tree = Buffer.alloc(nodes.length * 2 * RECORD_BYTES);
  for (const [index, child] of nodes.flat().entries()) {
    const value = toRecord(child, nodes, data);
    tree.writeUIntBE(value, index * RECORD_BYTES, RECORD_BYTES);
  }
  return Buffer.concat([tree, Buffer.alloc(16), data, MARKER, metadata(nodes.length)]);
}

function bitsOf(network: string): number[] {
  const octets = network.split(".").map((octet) => Number(octet).toString(2).padStart(8, "0"));
  return [...octets.join("")].map(Number);
}

function put(root: Node, bits: readonly number[], country: string): void {
  let node = root;
  for (const bit of bits.slice(0, -1)) {
    const next = bit === 1 ? node[1] : node[0];
    const child: Node = Array.isArray(next) ? next : [null, null];
    node[bit === 1 ? 1 : 0] = child;
    node = child;
  }
  node[bits.at(-1) === 1 ? 1 : 0] = country;
}

function flatten(node: Node): Node[] {
  return [node, ...node.flatMap((child) => (Array.isArray(child) ? flatten(child) : []))];
}

/** Another node, nothing, or a place in the data, as one number. */
function toRecord(child: Node[number], nodes: readonly Node[], data: Buffer): number {
  if (child === null) return nodes.length;
  if (Array.isArray(child)) return nodes.indexOf(child);
  return nodes.length + 16 + data.indexOf(countryData(child));
}

function countryData(country: string): Buffer {
  return map({ country: map({ iso_code: string(country) }) });
}

function metadata(nodes: number): Buffer {
  return map({
    node_count: unsigned(6, nodes, 4),
    record_size: unsigned(5, 8 * RECORD_BYTES, 2),
    ip_version: unsigned(5, 4, 2),
    database_type: string("Test-Country"),
    languages: Buffer.from([0, 4]),
    binary_format_major_version: unsigned(5, 2, 2),
    binary_format_minor_version: unsigned(5, 0, 2),
    build_epoch: Buffer.concat([Buffer.from([4, 2]), unsigned(6, 1_780_000_000, 4).subarray(1)]),
    description: map({}),
  });
}

function string(text: string): Buffer {
  return Buffer.concat([Buffer.from([(2 << 5) | text.length]), Buffer.from(text)]);
}

function unsigned(type: number, value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(1 + bytes);
  buffer[0] = (type << 5) | bytes;
  buffer.writeUIntBE(value, 1, bytes);
  return buffer;
}

function map(fields: Readonly<Record<string, Buffer>>): Buffer {
  const entries = Object.entries(fields);
  const parts = entries.flatMap(([name, value]) => [string(name), value]);
  return Buffer.concat([Buffer.from([(7 << 5) | entries.length]), ...parts]);
}
