/** From records of the quarantine's topic to rows of its store. */
import { quarantineRecordSchema } from "@trueclick/shared/event/quarantined";
import type { RejectCode } from "@trueclick/shared/event/rejection";
import type { SourceId } from "@trueclick/shared/ids";

interface Refused {
  readonly partition: number;
  readonly offset: bigint;
  readonly receivedAtMs: number;
  readonly sourceId: SourceId;
  readonly code: RejectCode;
}

/** Something refused, with its bytes. */
export interface ItemRow extends Refused {
  readonly kind: "item";
  readonly message: string;
  readonly bytesBase64: string;
  readonly bytesReceived: number;
  readonly userAgent: string | null;
  readonly isPrefetch: boolean;
}

/** How many things of a kind were refused and not kept. */
export interface OverflowRow extends Refused {
  readonly kind: "overflow";
  readonly items: number;
}

export type QuarantineRow = ItemRow | OverflowRow;

/**
 * Reads one record. Null for what is none of ours: a foreign producer's, or a newer edge's. It stays
 * in the topic, and must not hold up what comes behind it.
 */
export function toQuarantineRow(
  record: { readonly partition: number; readonly offset: bigint },
  text: string,
): QuarantineRow | null {
  const parsed = quarantineRecordSchema.safeParse(parseJson(text));
  if (!parsed.success) return null;
  const { data } = parsed;
  const refused = {
    ...{ partition: record.partition, offset: record.offset, receivedAtMs: data.received_at },
    ...{ sourceId: data.source_id, code: data.code },
  };
  if ("overflow" in data) return { kind: "overflow", ...refused, items: data.overflow };
  return {
    kind: "item",
    ...refused,
    message: data.message,
    bytesBase64: data.bytes_base64,
    bytesReceived: data.bytes_received,
    userAgent: data.user_agent ?? null,
    isPrefetch: data.is_prefetch,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
