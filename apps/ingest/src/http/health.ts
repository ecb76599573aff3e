/** `/healthz`: the process is up. `/readyz`: it can accept events durably, and if not, why. */
import { jsonAnswer } from "./answer.ts";
import type { Endpoint } from "./exchange.ts";

/** A probe answers within this, whatever it probes, milliseconds. */
const PROBE_TIMEOUT_MS = 2_000;
/** One answer serves all who ask within this, so that asking is no load, milliseconds. */
const PROBE_SHARED_MS = 500;

export function createHealthEndpoint(): Endpoint {
  return () => jsonAnswer(200, { status: "ok" });
}

/**
 * Something that must answer for the edge to be ready: in a word how it stands. Throws when the
 * edge is not ready for it.
 */
export type Probe = () => Promise<string>;

const UNAVAILABLE = "unavailable";

/** Answers 200 when all probes pass, else 503; the body says which failed, and nothing more. */
export function createReadyEndpoint(
  probes: Readonly<Record<string, Probe>>,
  isStopping: () => boolean,
): Endpoint {
  let shared: { readonly atMs: number; readonly states: Promise<[string, string][]> } | null = null;
  const probeAll = (nowMs: number) => {
    if (shared === null || nowMs - shared.atMs >= PROBE_SHARED_MS) {
      const states = Promise.all(
        Object.entries(probes).map(async ([name, probe]): Promise<[string, string]> => {
          return [name, await stateOf(probe)];
        }),
      );
      shared = { atMs: nowMs, states };
    }
    return shared.states;
  };
  return async (_request, { receivedAtMs }) => {
    const states = await probeAll(receivedAtMs);
    const isReady = !isStopping() && states.every(([, state]) => state !== UNAVAILABLE);
    const status = isStopping() ? "stopping" : isReady ? "ready" : UNAVAILABLE;
    return jsonAnswer(isReady ? 200 : 503, { status, checks: Object.fromEntries(states) });
  };
}

function stateOf(probe: Probe): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => resolve(UNAVAILABLE), PROBE_TIMEOUT_MS);
  probe()
    .then(resolve)
    .catch(() => resolve(UNAVAILABLE));
  return promise.finally(() => clearTimeout(timer));
}
