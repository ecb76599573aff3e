/** Hands quarantined items to the edge, one by one. */
import { setTimeout as pause } from "node:timers/promises";
import type { ReplayOutcome } from "@trueclick/db/postgres/schema/quarantine";
import type { QuarantineItem } from "@trueclick/db/queries/quarantine";
import { z } from "zod";
import { CliError } from "../terminal/errors.ts";

const REQUEST_TIMEOUT_MS = 30_000;
const TRIES_MAX = 8;
const RETRY_FIRST_MS = 250;

const outcomeSchema = z.object({
  accepted: z.int().nonnegative(),
  rejected: z.array(z.object({ code: z.string(), message: z.string() })),
});
const errorSchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) });
/** Answers that are about the item: it is refused, and the next one may not be. */
const ITEM_STATUSES: ReadonlySet<number> = new Set([400, 404, 413]);

export interface ReplayClient {
  /** @throws {CliError} `edge_away` or `edge_refused`: it is not known or not about the item. */
  replay(item: QuarantineItem, isDryRun: boolean): Promise<ReplayOutcome>;
}

export function createReplayClient(ingestUrl: string, key: string): ReplayClient {
  return {
    async replay(item, isDryRun) {
      const body = JSON.stringify({
        ...{ source_id: item.sourceId, received_at: item.receivedAtMs, dry_run: isDryRun },
        ...{ bytes_base64: item.bytes.toString("base64"), bytes_received: item.bytesReceived },
        ...(item.userAgent === null ? {} : { user_agent: item.userAgent }),
        is_prefetch: item.isPrefetch,
      });
      let problem = "";
      for (let tries = 0; tries < TRIES_MAX; tries += 1) {
        if (tries > 0) await pause(RETRY_FIRST_MS * 2 ** (tries - 1) * (0.5 + Math.random() / 2));
        const answer = await post(`${ingestUrl}/v1/quarantine/replay`, key, body);
        if (typeof answer !== "string") return answer;
        problem = answer;
      }
      throw new CliError("edge_away", `The edge does not answer: ${problem}`);
    },
  };
}

/** What came of it, or why nobody knows. */
async function post(url: string, key: string, body: string): Promise<ReplayOutcome | string> {
  let response: Response;
  let answer: unknown;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body,
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    answer = await response.json();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  if (response.ok) return outcomeSchema.parse(answer);
  const told = errorSchema.safeParse(answer);
  const { code, message } = told.success ? told.data.error : { code: "unknown", message: "" };
  if (ITEM_STATUSES.has(response.status)) return { accepted: 0, rejected: [{ code, message }] };
  if (response.status === 503) return message;
  throw new CliError("edge_refused", `The edge answers ${response.status}: ${message}`);
}
