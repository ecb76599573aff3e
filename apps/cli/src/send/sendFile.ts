/** Sends a file of events, one JSON object a line, batch by batch, in the order of the file. */
import { createHash } from "node:crypto";
import type { Progress } from "../terminal/progress.ts";
import { withEventId } from "./domain/withEventId.ts";
import type { EdgeClient } from "./edgeClient.ts";
import type { Pacer } from "./pacer.ts";
import { type InputFile, type InputLine, readLines } from "./readLines.ts";
import type { SendState, SendStateStore } from "./sendState.ts";

/** Well below the edge's limits, 1,000 events and 1 MiB. */
export const BATCH_EVENTS_MAX = 500;
const BATCH_BYTES_MAX = 512 * 1024;
/** Rejections told one by one; all are counted. */
const REJECTIONS_TOLD_MAX = 100;
const SAVE_EVERY_MS = 1_000;
const CHAIN_START = "";

export interface RejectedLine {
  /** From 1. */
  readonly line: number;
  readonly code: string;
  readonly message: string;
}

export interface SendSummary {
  readonly lines: number;
  readonly accepted: number;
  readonly rejected: number;
  /** The first of them. */
  readonly rejections: readonly RejectedLine[];
  /** Lines that an earlier, interrupted sending had done. */
  readonly resumedAfter: number;
  /** False when it was stopped before the end of the file. */
  readonly finished: boolean;
}

export interface SendFileOptions {
  readonly input: InputFile;
  readonly edge: EdgeClient;
  readonly pacer: Pacer;
  readonly states: SendStateStore;
  /** For a file that no longer begins as it did, opens it again from the start. */
  readonly reopen: () => Promise<InputFile>;
  readonly progress: Progress;
  readonly stop: AbortSignal;
}

export async function sendFile(options: SendFileOptions): Promise<SendSummary> {
  const noted = await options.states.load();
  const sending = new Sending(options, noted);
  const done = await sending.run(options.input);
  if (done) return sending.summary(true);
  if (options.stop.aborted) return sending.summary(false);
  // What was noted is about other lines than the file has now.
  const again = new Sending(options, null);
  await again.run(await options.reopen());
  return again.summary(!options.stop.aborted);
}

class Sending {
  readonly #options: SendFileOptions;
  readonly #noted: SendState | null;
  readonly #rejections: RejectedLine[] = [];
  #batch: { readonly line: number; readonly bytes: Buffer }[] = [];
  #batchBytes = 0;
  #readBytes = 0;
  #line = 0;
  #chainHex = CHAIN_START;
  #state: SendState;
  #savedAtMs = Date.now();

  constructor(options: SendFileOptions, noted: SendState | null) {
    this.#options = options;
    this.#noted = noted;
    this.#state = noted ?? { lines: 0, chainHex: CHAIN_START, accepted: 0, rejected: 0 };
  }

  /** Answers false if it was stopped, or if the file does not begin with the lines noted. */
  async run(input: InputFile): Promise<boolean> {
    try {
      return await this.#sendAll(input);
    } catch (error) {
      // Whatever went wrong, what the edge has answered for need not be sent again.
      if (this.#line > 0) await this.#options.states.save(this.#state);
      throw error;
    } finally {
      this.#options.progress.clear();
    }
  }

  async #sendAll(input: InputFile): Promise<boolean> {
    const { stop, progress } = this.#options;
    for await (const line of readLines(input.chunks)) {
      if (stop.aborted) break;
      this.#advance(line.bytes);
      const place = this.#placeOfLine();
      if (place === "differs") return false;
      if (place === "to send") await this.#take(line);
      progress.show(input.bytes === null ? null : this.#readBytes / input.bytes, this.#told());
    }
    if (!stop.aborted && this.#line < (this.#noted?.lines ?? 0)) return false;
    await this.#flush();
    if (stop.aborted) await this.#options.states.save(this.#state);
    else await this.#options.states.clear();
    return !stop.aborted;
  }

  summary(finished: boolean): SendSummary {
    const { lines, accepted, rejected } = this.#state;
    const resumedAfter = this.#noted?.lines ?? 0;
    return { lines, accepted, rejected, rejections: this.#rejections, resumedAfter, finished };
  }

  #advance(bytes: Buffer): void {
    this.#line += 1;
    this.#readBytes += bytes.length + 1;
    this.#chainHex = createHash("sha256").update(this.#chainHex).update(bytes).digest("hex");
  }

  /** Whether the line read last was sent before, going by what was noted. */
  #placeOfLine(): "sent before" | "to send" | "differs" {
    if (this.#noted === null || this.#line > this.#noted.lines) return "to send";
    const isLastNoted = this.#line === this.#noted.lines;
    return isLastNoted && this.#chainHex !== this.#noted.chainHex ? "differs" : "sent before";
  }

  async #take({ bytes, isTooLong }: InputLine): Promise<void> {
    if (isTooLong) {
      this.#reject(this.#line, "too_large", "The line is longer than any event.");
      return;
    }
    const text = bytes.toString("utf8");
    if (text.trim() === "") return;
    const event = withEventId(text, this.#chainHex);
    // The very bytes, wherever nothing was added: they may be no UTF-8.
    const sent = event === text ? bytes : Buffer.from(event);
    this.#batch.push({ line: this.#line, bytes: sent });
    this.#batchBytes += sent.length + 1;
    const isFull = this.#batch.length >= this.#options.pacer.batchEvents;
    if (isFull || this.#batchBytes >= BATCH_BYTES_MAX) await this.#flush();
  }

  async #flush(): Promise<void> {
    const batch = this.#batch;
    if (batch.length > 0) {
      await this.#options.pacer.wait(batch.length, this.#options.stop);
      const answer = await this.#options.edge.send(batch.map(({ bytes }) => bytes));
      this.#batch = [];
      this.#batchBytes = 0;
      for (const { index, code, message } of answer.rejected) {
        this.#reject(batch[index]?.line ?? 0, code, message);
      }
      this.#state = { ...this.#state, accepted: this.#state.accepted + answer.accepted };
    }
    this.#state = { ...this.#state, lines: this.#line, chainHex: this.#chainHex };
    if (Date.now() - this.#savedAtMs < SAVE_EVERY_MS) return;
    this.#savedAtMs = Date.now();
    await this.#options.states.save(this.#state);
  }

  #reject(line: number, code: string, message: string): void {
    this.#state = { ...this.#state, rejected: this.#state.rejected + 1 };
    if (this.#rejections.length < REJECTIONS_TOLD_MAX) {
      this.#rejections.push({ line, code, message });
    }
  }

  #told(): string {
    const { accepted, rejected } = this.#state;
    return `${accepted} accepted${rejected === 0 ? "" : `, ${rejected} rejected`}`;
  }
}
