/** `GET /c/{token}`: a click on a link of ours; recorded first, then sent to where it leads. */

import { acceptClick, type ClickLinks } from "../pipeline/acceptClick.ts";
import type { Acceptance } from "../pipeline/acceptEvents.ts";
import { SinkUnavailableError } from "../ports/eventSink.ts";
import { type Answer, errorAnswer, headerList } from "./answer.ts";
import type { Endpoint } from "./exchange.ts";
import { Moment } from "./moment.ts";
import { connectionOf } from "./requestHeaders.ts";

/** When a browser should try again after a 503, seconds. */
const RETRY_AFTER_S = 1;
/** Landing pages whose answer is kept; each some KiB at most. */
const ANSWERS_MAX = 1_000;

export interface ClicksDependencies {
  readonly acceptance: Acceptance;
  readonly clickLinks: ClickLinks;
}

export function createClicksEndpoint({ acceptance, clickLinks }: ClicksDependencies): Endpoint {
  const redirect = createRedirect();
  const received = new Moment<() => void>((goOn) => goOn());
  return async (request, { receivedAtMs, pathRest }) => {
    // Link checkers ask for the headers; nobody clicked.
    if (request.method === "HEAD") {
      const check = clickLinks.verifyToken(pathRest, receivedAtMs);
      return check.kind === "ok" ? redirect(check.claims.landingUrl) : notFound();
    }
    const connection = connectionOf(request);
    // Clicks that came in one turn are taken in one go, as small bodies are.
    await new Promise<void>((resolve) => received.add(resolve));
    const click = { token: pathRest, connection, ingestTimeMs: receivedAtMs };
    try {
      const outcome = await acceptClick(acceptance, clickLinks, click);
      return outcome.kind === "redirect" ? redirect(outcome.landingUrl) : notFound();
    } catch (error) {
      if (!(error instanceof SinkUnavailableError)) throw error;
      const headers = { "Retry-After": String(RETRY_AFTER_S) };
      return errorAnswer(503, "log_unavailable", "The click could not be stored.", headers);
    }
  };
}

/** Answers that lead to landing pages, to which many clicks lead each. */
function createRedirect(): (landingUrl: string) => Answer {
  const answers = new Map<string, Answer>();
  return (landingUrl) => {
    const known = answers.get(landingUrl);
    if (known !== undefined) return known;
    // As a browser would write it: ASCII, every other character escaped.
    const headers = { Location: new URL(landingUrl).href };
    const answer = { status: 302, contentType: "text/plain; charset=utf-8", body: "", headers };
    const made = { ...answer, headerList: headerList(answer) };
    if (answers.size >= ANSWERS_MAX) answers.clear();
    answers.set(landingUrl, made);
    return made;
  };
}

/** One answer for forged, damaged and expired: a guesser learns nothing. */
function notFound(): Answer {
  return errorAnswer(404, "not_found", "There is nothing here.");
}
