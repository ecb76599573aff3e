/** `POST /v1/quarantine/replay`: judges one quarantined item again. For keys with the scope. */
import type { IncomingMessage } from "node:http";
import { EVENT_AGE_MAX_MS, EVENT_AHEAD_MAX_MS } from "@trueclick/shared/event/envelope";
import { quarantinedItemSchema } from "@trueclick/shared/event/quarantined";
import { reject } from "@trueclick/shared/event/rejection";
import { z } from "zod";
import type { Acceptance } from "../pipeline/acceptEvents.ts";
import { replayQuarantined } from "../pipeline/replayQuarantined.ts";
import { SinkUnavailableError } from "../ports/eventSink.ts";
import { KeyDirectoryUnavailableError } from "../ports/keyDirectory.ts";
import { type Answer, errorAnswer, jsonAnswer } from "./answer.ts";
import { type AuthenticationDependencies, authenticate } from "./authenticate.ts";
import type { Endpoint, Exchange } from "./exchange.ts";
import type { InFlightBytes } from "./inFlightBytes.ts";
import { BODY_BYTES_MAX, readBody } from "./readBody.ts";
import { unavailable } from "./refusal.ts";

const requestSchema = quarantinedItemSchema
  .omit({ code: true, message: true })
  .extend({ dry_run: z.boolean().default(false) });

export interface ReplayDependencies {
  readonly acceptance: Acceptance;
  readonly authentication: AuthenticationDependencies;
  readonly inFlight: InFlightBytes;
}

export function createReplayEndpoint(dependencies: ReplayDependencies): Endpoint {
  const { authentication, inFlight } = dependencies;
  return async (request, exchange) => {
    const { receivedAtMs } = exchange;
    const sender = await authenticate(authentication, request, receivedAtMs, "replay");
    if ("refusal" in sender) return sender.refusal;
    // A key that bears is enough: the command line makes one for the purpose.
    if (sender.signed !== null) return errorAnswer(400, "unsigned_only", "Send a bearer key.");
    const release = inFlight.hold(3 * BODY_BYTES_MAX);
    if (release === null) return unavailable("overloaded", "Too much is under way.").refusal;
    try {
      return await replay(dependencies, request, exchange);
    } catch (error) {
      const isPassing =
        error instanceof SinkUnavailableError || error instanceof KeyDirectoryUnavailableError;
      if (!isPassing) throw error;
      return unavailable("log_unavailable", "Nothing could be stored. Send again.").refusal;
    } finally {
      release();
    }
  };
}

async function replay(
  { acceptance, authentication }: ReplayDependencies,
  request: IncomingMessage,
  exchange: Exchange,
): Promise<Answer> {
  const nowMs = exchange.receivedAtMs;
  const body = await readBody(request);
  if (body.kind === "too_large") return errorAnswer(413, "too_large", "Send one item.");
  if (body.kind === "aborted") return errorAnswer(499, "client_gone", "The client went away.");
  exchange.bodyRead(body.bytes.length);
  const parsed = requestSchema.safeParse(parseJson(body.bytes));
  if (!parsed.success) return errorAnswer(400, "bad_request", "This is no quarantined item.");
  const item = parsed.data;
  const isOfAge =
    item.received_at >= nowMs - EVENT_AGE_MAX_MS && item.received_at <= nowMs + EVENT_AHEAD_MAX_MS;
  if (!isOfAge) return errorAnswer(400, "out_of_time", "It was received too long ago.");
  const source = await authentication.keys.findSource(item.source_id);
  if (source === null) return errorAnswer(404, "unknown_source", "There is no such source.");
  const bytes = Buffer.from(item.bytes_base64, "base64");
  if (bytes.length < item.bytes_received) {
    const { code, message } = reject("too_large", "Its bytes were not kept whole.");
    return jsonAnswer(200, { accepted: 0, rejected: [{ index: 0, code, message }] });
  }
  const receipt = await replayQuarantined(acceptance, {
    source,
    receivedAtMs: item.received_at,
    bytes,
    userAgent: item.user_agent ?? null,
    isPrefetch: item.is_prefetch,
    isDryRun: item.dry_run,
  });
  return jsonAnswer(200, receipt);
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return null;
  }
}
