import {
  formatQuarantineId,
  listQuarantine,
  type QuarantineFilter,
  type QuarantineItem,
  quarantineOverflowBy,
} from "@trueclick/db/queries/quarantine";
import { withStores } from "../stack/openStores.ts";
import { resolveStack } from "../stack/settings.ts";
import type { CliContext, VerbResult } from "../terminal/context.ts";
import { formatTable } from "../terminal/table.ts";

const PREVIEW_LENGTH = 48;
const HEADER = ["id", "received", "source", "code", "bytes", "replay", "begins"];

/** What the edge refused, newest first, and how much of it was not kept. */
export async function listItems(
  context: CliContext,
  filter: QuarantineFilter,
  limit: number,
): Promise<VerbResult> {
  return withStores(await resolveStack(context), async (stores) => {
    const [items, overflow] = await Promise.all([
      listQuarantine(stores, filter, { limit }),
      quarantineOverflowBy(stores, filter),
    ]);
    const notKept = overflow.map(
      (kind) => `Not kept, ${kind.code} of ${kind.sourceId}: ${kind.items}`,
    );
    const table =
      items.length === 0
        ? "Nothing is in the quarantine."
        : formatTable(HEADER, items.map(toCells));
    return {
      text: [table, ...notKept].join("\n"),
      json: {
        rows: items.map(toJson),
        overflow: overflow.map(({ sourceId, code, items: count }) => {
          return { source_id: sourceId, code, items: count };
        }),
      },
    };
  });
}

function toCells(item: QuarantineItem): string[] {
  return [
    formatQuarantineId(item),
    new Date(item.receivedAtMs).toISOString(),
    item.sourceId,
    item.code,
    String(item.bytesReceived),
    replayWord(item),
    preview(item.bytes),
  ];
}

function replayWord({ replayOutcome }: QuarantineItem): string {
  if (replayOutcome === null) return "";
  return `${replayOutcome.accepted} taken, ${replayOutcome.rejected.length} not`;
}

/** What a stranger sent must move no cursor and ring no bell. */
function preview(bytes: Buffer): string {
  const text = bytes.subarray(0, PREVIEW_LENGTH).toString("utf8");
  return text.replaceAll(/[\p{C}\p{Z}]+/gu, " ");
}

function toJson(item: QuarantineItem) {
  return {
    id: formatQuarantineId(item),
    received_at: new Date(item.receivedAtMs).toISOString(),
    source_id: item.sourceId,
    code: item.code,
    message: item.message,
    bytes_base64: item.bytes.toString("base64"),
    bytes_received: item.bytesReceived,
    replayed_at: item.replayedAtMs === null ? null : new Date(item.replayedAtMs).toISOString(),
    replay_outcome: item.replayOutcome,
  };
}
