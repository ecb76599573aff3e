import { createServer, type Server } from "node:http";

/**
 * Bare node:http: the body read and answered (`body`, what no server on it can beat), or parsed and
 * its events looked at by hand (`json`).
 */
export function createNodePeer(work: "json" | "body"): Server {
  return createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const accepted = work === "json" ? countGood(Buffer.concat(chunks).toString()) : 0;
      const answer = `{"accepted":${accepted}}`;
      response.writeHead(202, { "Content-Length": answer.length });
      response.end(answer);
    });
  });
}

const EVENT_ID = /^[A-Za-z0-9_.:-]{8,64}$/;

function countGood(json: string): number {
  const value: unknown = JSON.parse(json);
  const isBatch = typeof value === "object" && value !== null && "events" in value;
  const events: readonly unknown[] =
    isBatch && Array.isArray(value.events) ? value.events : [value];
  return events.filter(isGood).length;
}

function isGood(event: unknown): boolean {
  if (typeof event !== "object" || event === null) return false;
  const fields: Readonly<Record<string, unknown>> = { ...event };
  const isText = (name: string) => {
    const text = fields[name];
    return typeof text === "string" && text.length > 0 && text.length <= 64;
  };
  const id = fields["event_id"];
  return (
    typeof id === "string" &&
    EVENT_ID.test(id) &&
    fields["event_type"] === "click" &&
    typeof fields["event_time"] === "number" &&
    ["campaign_id", "ad_id", "publisher_id"].every(isText)
  );
}
