/** Requests of a process to itself, which pass all that stands before an endpoint. */
import { randomUUID } from "node:crypto";
import { Agent, get } from "node:http";
import type { Warmth } from "./warmth.ts";

/** Pages, what they call, and a long answer. */
const ADDRESSES = ["/sign-in", "/", "/api/trpc/none", "/api/v1/openapi.json"];
/** What is asked for most. */
const COMPILED_ADDRESSES = ["/api/v1/report", "/api/v1/drift"];
/** Of those together, as often as it takes to compile what all of them pass. */
const REQUESTS = 48;
/** As many as there are connections on which a key is looked up. */
const AT_ONCE = 6;
const FAULT = 500;

/**
 * Asks for pages and what comes with them once, so that all that Next loads for them is there.
 *
 * @param url Of this process. @throws {Error} where nobody answers, or with a fault.
 */
export function askForPages(url: string, warmth: Warmth): Promise<void> {
  return withAgent(url, async (agent, own) => {
    for (const address of ADDRESSES) await ask(new URL(address, own), { agent, warmth });
  });
}

/**
 * Asks for what is asked for most again and again, with a key that nobody has: it is looked up, and refused.
 *
 * @param url Of this process. @throws {Error} where nobody answers, or with a fault.
 */
export function askOften(url: string, warmth: Warmth): Promise<void> {
  const headers = { Authorization: `Bearer ${randomUUID()}` };
  return withAgent(url, async (agent, own) => {
    const askNext = (at: number) => {
      const address = COMPILED_ADDRESSES[at % COMPILED_ADDRESSES.length] ?? "/";
      return ask(new URL(address, own), { agent, warmth, headers });
    };
    for (let asked = 0; asked < REQUESTS && !warmth.isOver(); asked += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, (_none, at) => askNext(at)));
    }
  });
}

async function withAgent(
  url: string,
  work: (agent: Agent, url: string) => Promise<void>,
): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  try {
    await work(agent, url);
  } finally {
    agent.destroy();
  }
}

interface Asking {
  readonly agent: Agent;
  readonly warmth: Warmth;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Any answer will do but a fault: that would be one again and again, and each is in the log. */
function ask(url: URL, { agent, warmth, headers = {} }: Asking): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const signal = AbortSignal.timeout(Math.ceil(warmth.leftMs()));
  get(url, { agent, headers, signal }, (response) => {
    const { statusCode = FAULT } = response;
    if (statusCode >= FAULT) reject(new Error(`${url.pathname} answered ${statusCode}`));
    response.on("end", resolve).on("error", reject).resume();
  }).on("error", reject);
  return promise;
}
