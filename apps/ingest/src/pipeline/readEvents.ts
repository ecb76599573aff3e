/**
 * From a body to lines of the log. What can be taken as it stands is written at once, in one pass
 * over the bytes; the rest is parsed, checked and stamped one by one, in slices between which other
 * requests have their turn, so that none can stop the others however it is made.
 */
import { type EnvelopeContext, parseEnvelope } from "@trueclick/shared/event/envelope";
import type { Rejection } from "@trueclick/shared/event/rejection";
import type { Line } from "../domain/blocks.ts";
import type { LineBuffer } from "../domain/plain/lineBuffer.ts";
import { PlainLines, type PlainLinesContext } from "../domain/plain/plainLines.ts";
import {
  type BodyFormat,
  type EventSpan,
  parseEvent,
  type SplitBody,
  splitBody,
} from "../domain/splitBody.ts";
import { toStoredEvent } from "../domain/stamp.ts";

/** A slice ends after so many events that had to be parsed; with one user agent each to be read. */
export const SLICE_EVENTS_MAX = 16;
/** Or after so many bytes of them, whichever is first. */
export const SLICE_BYTES_MAX = 32_768;

export interface ReadContext extends PlainLinesContext {
  readonly partitionOf: (eventId: string, partitionCount: number) => number;
  readonly sha256Hex: EnvelopeContext["sha256Hex"];
  /** Resolves once others have had their turn. */
  readonly yieldTurn: () => Promise<void>;
}

export interface Rejected extends Rejection {
  /** Place in the request, from 0. */
  readonly index: number;
  /** As received, without white space around it. */
  readonly bytes: Uint8Array;
}

/** Events of a body that is split: those taken have their lines, the others are to be judged. */
export class OpenedBody {
  readonly split: SplitBody;
  readonly #body: Uint8Array;
  readonly #buffer: LineBuffer;
  readonly #taken: PlainLines;
  readonly #context: ReadContext;

  /** @param buffer Used until the last line is copied out of it. */
  constructor(body: Buffer, format: BodyFormat, buffer: LineBuffer, context: ReadContext) {
    this.#body = body;
    this.#buffer = buffer;
    this.#context = context;
    buffer.load(body);
    this.#taken = new PlainLines(buffer, context);
    this.split = splitBody(body, format, this.#taken);
  }

  /** How many events there are, if all of them are taken; else 0. */
  get takenCount(): number {
    const count = this.#taken.lines.length;
    return this.split.kind === "events" && this.split.events.length === count ? count : 0;
  }

  get takenLines(): readonly Line[] {
    return this.#taken.lines;
  }

  /** Lines of the good events, in their order, and what is wrong with the others. */
  async judge(
    events: readonly EventSpan[],
  ): Promise<{ readonly lines: readonly Line[]; readonly rejected: readonly Rejected[] }> {
    const taken = this.#taken.lines;
    if (taken.length === events.length) return { lines: taken, rejected: [] };
    const lines: Line[] = [];
    const rejected: Rejected[] = [];
    const slice = new Slice(this.#context.yieldTurn);
    let takenBefore = 0;
    for (const [index, { start, end, isTaken }] of events.entries()) {
      const line = isTaken ? taken[takenBefore] : undefined;
      if (line !== undefined) {
        lines.push(line);
        takenBefore += 1;
        continue;
      }
      await slice.count(end - start);
      const bytes = this.#body.subarray(start, end);
      const judged = this.#judgeOne(bytes);
      if ("ok" in judged) rejected.push({ ...judged, index, bytes });
      else lines.push(judged);
    }
    return { lines, rejected };
  }

  #judgeOne(bytes: Uint8Array): Line | Rejection {
    const { source, ingestTimeMs, sha256Hex, partitionOf, partitionCount } = this.#context;
    const parsed = parseEvent(bytes);
    if (!parsed.ok) return parsed;
    const context = { ingestTimeMs, sourceId: source.id, sha256Hex };
    const result = parseEnvelope(parsed.value, context);
    if (!result.ok) return result;
    const stored = toStoredEvent(result.event, this.#context);
    const start = this.#buffer.at;
    this.#buffer.putText(JSON.stringify(stored));
    const partition = partitionOf(stored.event_id, partitionCount);
    return { partition, start, end: this.#buffer.at };
  }
}

/** Counts what was done in one go. */
class Slice {
  readonly #yieldTurn: () => Promise<void>;
  #events = 0;
  #bytes = 0;

  constructor(yieldTurn: () => Promise<void>) {
    this.#yieldTurn = yieldTurn;
  }

  /** Before each event. */
  async count(bytes: number): Promise<void> {
    if (this.#events === SLICE_EVENTS_MAX || this.#bytes + bytes > SLICE_BYTES_MAX) {
      await this.#yieldTurn();
      this.#events = 0;
      this.#bytes = 0;
    }
    this.#events += 1;
    this.#bytes += bytes;
  }
}
