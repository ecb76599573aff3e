/** `/healthz`: the process is up. `/readyz`: it can accept events durably, and if not, why. */
import { type Endpoint, jsonAnswer } from "./answer.ts";

/** A probe answers within this, whatever it probes, milliseconds. */
const PROBE_TIMEOUT_MS = 2_000;
/** One answer serves all who ask within this, so that asking is no load, milliseconds. */
const PROBE_SHARED_MS = 500;

export function createHealthEndpoint(): Endpoint {
  return () => jsonAnswer(200, { status: "ok" });
}

/** Something that must answer for the edge to be ready; throws when it does not. */
export type Probe = () => Promise<void>;

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
          return [name, (await passes(probe)) ? "ok" : "unavailable"];
        }),
      );
      shared = { atMs: nowMs, states };
    }
    return shared.states;
  };
  return async (_request, { receivedAtMs }) => {
    const states = await probeAll(receivedAtMs);
    const isReady = !isStopping() && states.every(([, state]) => state === "ok");
    const status = isStopping() ? "stopping" : isReady ? "ready" : "unavailable";
    return jsonAnswer(isReady ? 200 : 503, { status, checks: Object.fromEntries(states) });
  };
}

function passes(probe: Probe): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), PROBE_TIMEOUT_MS);
  probe()
    .then(() => resolve(true))
    .catch(() => resolve(false));
  return promise.finally(() => clearTimeout(timer));
}
