import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import {
  claimAny,
  claimPort,
  onFreePorts,
  PortBusyError,
  rangeBeside,
  readSystemRange,
} from "./ports.ts";

const strangers: Server[] = [];
afterEach(async () => {
  for (const stranger of strangers.splice(0)) {
    stranger.close();
    await once(stranger, "close");
  }
});

/** Another program, as far as a port can tell; 0 takes one from the system's own range. */
async function occupy(port: number): Promise<number> {
  const stranger = createServer().listen(port, "127.0.0.1");
  strangers.push(stranger);
  await once(stranger, "listening");
  const address = stranger.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  return address.port;
}

// A connection that any program opens may lie on a port of the system's own range, for as long as a
// server that was given it needs to start.
it("chooses none of the ports that the system gives by itself, unless it gives all", async () => {
  const told = readSystemRange();
  const [first = 32_768, last = 60_999] = (told?.match(/\d+/g) ?? []).map(Number);
  const chosen = [await claimPort(0, "a"), await claimPort(0, "b"), await claimPort(0, "c")];
  const areOwn = chosen.map((port) => port >= first && port <= last);
  const { to } = rangeBeside(told);
  expect(areOwn).toEqual(Array(3).fill(to === 0));
});

describe("the choice from a range", () => {
  /** As the loopback would answer if these ports were taken. */
  const besides = (taken: readonly number[]) => async (port: number, what: string) => {
    if (taken.includes(port)) throw new PortBusyError(port, what);
    return port;
  };

  it("passes over ports that others listen on, and goes on from the start of the range", async () => {
    expect(await claimAny({ from: 1, to: 5 }, "a", 3, besides([3, 4, 1]))).toBe(2);
  });

  it("gives no port twice, though nobody has bound the first yet", async () => {
    const range = { from: 11, to: 14 };
    const claim = (what: string) => claimAny(range, what, 12, besides([]));
    expect([await claim("a"), await claim("b"), await claim("c")]).toEqual([12, 13, 11]);
  });

  it("is one of the system's own ports where those are all that there are", async () => {
    expect(await claimAny({ from: 0, to: 0 }, "a")).toBeGreaterThan(0);
  });
});

it("names the port that is taken, and what wanted it", async () => {
  const port = await occupy(0);
  await expect(claimPort(port, "the edge")).rejects.toThrow(PortBusyError);
  await expect(claimPort(port, "the edge")).rejects.toThrow(`Port ${port}, wanted for the edge`);
});

describe("a program whose port was taken before it bound it", () => {
  it("is started again on others", async () => {
    const tried: number[] = [];
    const got = await onFreePorts(["web", "edge"], async ({ web, edge }) => {
      tried.push(web);
      if (tried.length === 1) await occupy(edge);
      await claimPort(edge, "edge");
      return web;
    });
    expect(tried).toHaveLength(2);
    expect(tried[0]).not.toBe(tried[1]);
    expect(got).toBe(tried[1]);
  });

  it("is not started for ever", async () => {
    let attempts = 0;
    const run = onFreePorts(["web"], async ({ web }) => {
      attempts += 1;
      return claimPort(await occupy(web), "web");
    });
    await expect(run).rejects.toThrow(PortBusyError);
    expect(attempts).toBe(3);
  });

  it("is not started again when it failed for another reason", async () => {
    let attempts = 0;
    const run = onFreePorts(["web"], async () => {
      attempts += 1;
      throw new Error("no disk");
    });
    await expect(run).rejects.toThrow("no disk");
    expect(attempts).toBe(1);
  });
});

it.each([
  ["Linux as it comes", "32768\t60999\n", { from: 10_000, to: 32_768 }],
  ["no such file", null, { from: 10_000, to: 32_768 }],
  ["a range from far below", "1024\t60999\n", { from: 61_000, to: 65_536 }],
  ["all ports", "1024 65535\n", { from: 0, to: 0 }],
])("chooses beside the system's range: %s", (_case, told, range) => {
  expect(rangeBeside(told)).toEqual(range);
});
