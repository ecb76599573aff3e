import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";

/** Linux says here from which ports it takes one for an outgoing connection or for port 0. */
const SYSTEM_RANGE_PATH = "/proc/sys/net/ipv4/ip_local_port_range";
/** Where other systems begin, at the lowest. */
const SYSTEM_FROM_DEFAULT = 32_768;
/** Ports below are those that programs are known by: 3000, 5432, 8123, 9092. */
const LOWEST = 10_000;
/** Fewer ports than these below the system's own are no choice. */
const CHOICE_MIN = 1_000;
/** Starts on other ports before giving up: one is enough unless something else is wrong. */
const ATTEMPTS_MAX = 3;

/** Somebody else listens there. */
export class PortBusyError extends Error {
  override readonly name = "PortBusyError";
  readonly port: number;

  constructor(port: number, what: string) {
    super(`Port ${port}, wanted for ${what}, is taken by another program`);
    this.port = port;
  }
}

/** A stretch of ports, without its end. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/**
 * The port itself if it is free on the loopback; for 0 a free one that the system gives nobody by
 * itself. Between this and its being bound no connection of another program can so come to lie on it,
 * and a server that is started again finds it free.
 *
 * @throws {PortBusyError} if somebody listens there.
 */
export async function claimPort(port: number, what: string): Promise<number> {
  return port === 0 ? claimAny(choice, what) : listenOnce(port, what);
}

/**
 * A free port of a range, from a place in it that is chance: programs that choose at the same time
 * choose others. No port twice in one process, since the first may not be bound yet.
 */
export async function claimAny(
  { from, to }: PortRange,
  what: string,
  start = from + Math.floor(Math.random() * (to - from)),
  listen: typeof listenOnce = listenOnce,
): Promise<number> {
  for (let passed = 0; passed < to - from; passed += 1) {
    const port = from + ((start - from + passed) % (to - from));
    if (given.has(port)) continue;
    try {
      await listen(port, what);
      given.add(port);
      return port;
    } catch (error) {
      if (!(error instanceof PortBusyError)) throw error;
    }
  }
  // The system's own ports are all but all that there are: one of those, then.
  return listenOnce(0, what);
}

const given = new Set<number>();

/**
 * Runs `attempt` with a free port for each name. Where it fails and one of them is another program's
 * by then, it is run again with others.
 */
export async function onFreePorts<Name extends string, Result>(
  names: readonly Name[],
  attempt: (ports: Readonly<Record<Name, number>>) => Promise<Result>,
): Promise<Result> {
  for (let attempts = 1; ; attempts += 1) {
    const ports = {} as Record<Name, number>;
    for (const name of names) ports[name] = await claimPort(0, name);
    try {
      return await attempt(ports);
    } catch (error) {
      const free = await Promise.all(names.map((name) => isFree(ports[name])));
      if (attempts === ATTEMPTS_MAX || free.every(Boolean)) throw error;
    }
  }
}

async function isFree(port: number): Promise<boolean> {
  try {
    await listenOnce(port, "");
    return true;
  } catch (error) {
    if (error instanceof PortBusyError) return false;
    throw error;
  }
}

/** Below the system's own ports, or above them where there is more room; empty if there is none. */
export function rangeBeside(systemRange: string | null): PortRange {
  const [first = SYSTEM_FROM_DEFAULT, last = 65_535] = (systemRange?.match(/\d+/g) ?? []).map(
    Number,
  );
  const sides = [
    { from: LOWEST, to: first },
    { from: last + 1, to: 65_536 },
  ];
  const [widest = { from: 0, to: 0 }] = sides.toSorted((a, b) => b.to - b.from - (a.to - a.from));
  return widest.to - widest.from < CHOICE_MIN ? { from: 0, to: 0 } : widest;
}

/** Null where the system does not say. */
export function readSystemRange(): string | null {
  try {
    return readFileSync(SYSTEM_RANGE_PATH, "utf8");
  } catch {
    return null;
  }
}

const choice = rangeBeside(readSystemRange());

async function listenOnce(port: number, what: string): Promise<number> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
    return address.port;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EADDRINUSE") {
      throw new PortBusyError(port, what);
    }
    throw error;
  } finally {
    server.close();
  }
}
