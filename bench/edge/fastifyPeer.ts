/**
 * The edge as most would build it, and built well: Fastify 5, whose Ajv compiles the schema and whose
 * serializer is compiled too, with the same key, the same stamps and the same log client, one event
 * a message. Batches and single events have a route each, so that the schema needs no alternatives.
 */
import { createHash, createHmac, createSecretKey, timingSafeEqual } from "node:crypto";
import type { Server } from "node:http";
import { partitionOf } from "@trueclick/event-log/partition";
import Fastify from "fastify";
import { createUserAgentReader } from "../../apps/ingest/src/adapters/userAgentReader.ts";
import { KEY_SHA256, TOKEN_SECRET } from "./edge.ts";
import type { PeerAppender } from "./kafkajsAppender.ts";

const BODY_BYTES_MAX = 1_048_576;
const TOKEN_LENGTH_MAX = 4_096;
const AGE_MAX_MS = 35 * 86_400_000;
const AHEAD_MAX_MS = 300_000;

const text = (maxLength: number) => ({ type: "string", minLength: 1, maxLength });
const EVENT_SCHEMA = {
  type: "object",
  required: ["event_type", "event_id", "event_time", "campaign_id", "ad_id", "publisher_id"],
  properties: {
    schema_version: { type: "integer", minimum: 1 },
    event_type: { enum: ["click", "impression", "conversion"] },
    event_id: { type: "string", pattern: "^[A-Za-z0-9_.:-]{8,64}$" },
    event_time: { type: "integer" },
    ...{ campaign_id: text(64), ad_id: text(64), publisher_id: text(64) },
    ...{ user_id: text(128), impression_id: text(128), click_id: text(128), token: text(4_096) },
    geo: { type: "string", pattern: "^[A-Z]{2}$" },
    device: { enum: ["desktop", "mobile", "tablet", "tv", "other"] },
    ...{ ip: text(64), user_agent: text(1_024) },
    conversion_value_micros: { type: "integer" },
    test: { type: "boolean" },
    ext: { type: "object" },
  },
};
const ANSWER_SCHEMA = { 202: { type: "object", properties: { accepted: { type: "integer" } } } };

interface SentEvent {
  readonly event_id: string;
  readonly event_time: number;
}

/** @param appender Null: the events are checked and stamped only. */
export async function createFastifyPeer(appender: PeerAppender | null): Promise<Server> {
  const app = Fastify({
    bodyLimit: BODY_BYTES_MAX,
    routerOptions: { maxParamLength: TOKEN_LENGTH_MAX },
    ajv: { customOptions: { coerceTypes: false } },
  });
  const { readUserAgent } = createUserAgentReader();
  const hashes = new Map<string, string>();
  const hashOf = (ip: string) => {
    const known = hashes.get(ip);
    if (known !== undefined) return known;
    const hash = createHmac("sha256", "key").update(ip).digest("hex");
    hashes.set(ip, hash);
    return hash;
  };

  app.addHook("onRequest", async (request, reply) => {
    if (request.url.startsWith("/c/")) return;
    const key = request.headers.authorization?.slice("Bearer ".length) ?? "";
    if (createHash("sha256").update(key).digest("hex") !== KEY_SHA256) await reply.code(401).send();
  });

  const accept = async (events: readonly SentEvent[], ip: string, userAgent: string) => {
    const ingestTimeMs = Date.now();
    const { isBot } = readUserAgent(userAgent);
    const stamps = {
      ...{ ingest_time: ingestTimeMs, user_agent: userAgent, ip_hash: hashOf(ip) },
      ...{ ip_net: `${ip.split(".").slice(0, 3).join(".")}.0/24`, region: "bench" },
      ...{ source_id: "src_bench", flags: isBot ? ["bot_user_agent"] : [] },
    };
    const good = events.filter(
      ({ event_time }) =>
        event_time >= ingestTimeMs - AGE_MAX_MS && event_time <= ingestTimeMs + AHEAD_MAX_MS,
    );
    if (appender !== null) {
      const { partitionCount } = appender;
      await appender.append(
        good.map((event) => ({
          partition: partitionOf(event.event_id, partitionCount),
          value: Buffer.from(JSON.stringify({ ...event, ...stamps })),
        })),
      );
    }
    return good.length;
  };

  app.post<{ Body: { events: SentEvent[] } }>(
    "/v1/events",
    {
      schema: {
        body: {
          type: "object",
          required: ["events"],
          properties: { events: { type: "array", maxItems: 1_000, items: EVENT_SCHEMA } },
        },
        response: ANSWER_SCHEMA,
      },
    },
    async ({ body, ip, headers }, reply) => {
      const accepted = await accept(body.events, ip, headers["user-agent"] ?? "");
      return reply.code(202).send({ accepted });
    },
  );
  app.post<{ Body: SentEvent }>(
    "/v1/event",
    { schema: { body: EVENT_SCHEMA, response: ANSWER_SCHEMA } },
    async ({ body, ip, headers }, reply) => {
      const accepted = await accept([body], ip, headers["user-agent"] ?? "");
      return reply.code(202).send({ accepted });
    },
  );
  app.get<{ Params: { token: string } }>("/c/:token", async ({ params }, reply) => {
    const landingUrl = landingUrlOf(params.token, Date.now() / 1_000);
    return landingUrl === null ? reply.code(404).send() : reply.redirect(landingUrl, 302);
  });
  await app.ready();
  return app.server;
}

const MAC_LENGTH = 43;
const tokenKey = createSecretKey(TOKEN_SECRET);

/** Where a token of ours leads, by `node:crypto`; null when it is not genuine or out of time. */
function landingUrlOf(token: string, nowS: number): string | null {
  const macStart = token.length - MAC_LENGTH;
  const headEnd = token.indexOf(".", token.indexOf(".", 3) + 1) + 1;
  const hmac = createHmac("sha256", tokenKey);
  // The format puts zeros behind the beginning, up to a whole block of the hash.
  hmac.update(token.slice(0, headEnd).padEnd(Math.ceil(headEnd / 64) * 64, "\0"));
  const mac = hmac.update(token.slice(headEnd, macStart - 1)).digest();
  const sent = Buffer.from(token.slice(macStart), "base64url");
  if (mac.length !== sent.length || !timingSafeEqual(mac, sent)) return null;
  const [, , ad = "", impression = ""] = token.split(".");
  if (Number.parseInt(impression.slice(8, 16), 16) <= nowS) return null;
  const claims: unknown = JSON.parse(Buffer.from(ad, "base64url").toString());
  const landingUrl: unknown = Array.isArray(claims) ? claims.at(-1) : null;
  return typeof landingUrl === "string" ? landingUrl : null;
}
