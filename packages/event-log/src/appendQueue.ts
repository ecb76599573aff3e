import { type AppendedRecord, LogRejectedError, LogUnavailableError } from "./port.ts";

/**
 * Turns concurrent appends into few large writes (group commit). A write costs a round trip and an
 * fsync whatever its size, so what arrives during one write goes out together in the next.
 */
export interface AppendQueueOptions<T> {
  /**
   * Writes records of one or more calls, in this order, and answers in this order. A call's records
   * are never spread over two writes.
   */
  readonly write: (records: readonly T[]) => Promise<readonly AppendedRecord[]>;
  /** Size of one record, bytes. */
  readonly bytesOf: (record: T) => number;
  /** A write holds at most this many bytes, unless a single call is larger. */
  readonly writeBytesMax: number;
  /** A write holds at most this many records, unless a single call has more. */
  readonly writeRecordsMax: number;
  /** Writes under way at the same time. */
  readonly writesInFlightMax: number;
  /** Bytes waiting or being written; what comes on top is refused at once. */
  readonly pendingBytesMax: number;
  /** An append not done after this long is given up, milliseconds. */
  readonly timeoutMs: number;
}

interface Call<T> {
  readonly records: readonly T[];
  readonly bytes: number;
  readonly resolve: (appended: readonly AppendedRecord[]) => void;
  readonly reject: (error: Error) => void;
  settled: boolean;
}

export class AppendQueue<T> {
  readonly #options: AppendQueueOptions<T>;
  readonly #waiting: Call<T>[] = [];
  readonly #idle: (() => void)[] = [];
  #pendingBytes = 0;
  #writesInFlight = 0;
  #closed = false;

  constructor(options: AppendQueueOptions<T>) {
    this.#options = options;
  }

  /**
   * @throws {LogUnavailableError} The queue is full or closed (nothing was written), or the write
   *   failed or took too long (outcome unknown).
   * @throws {LogRejectedError} as `write` throws it for these very records.
   */
  append(records: readonly T[]): Promise<readonly AppendedRecord[]> {
    const { bytesOf, pendingBytesMax, timeoutMs } = this.#options;
    if (records.length === 0) return Promise.resolve([]);
    if (this.#closed) return Promise.reject(new LogUnavailableError("The appender is closed"));
    const bytes = records.reduce((sum, record) => sum + bytesOf(record), 0);
    if (this.#pendingBytes > 0 && this.#pendingBytes + bytes > pendingBytesMax) {
      return Promise.reject(
        new LogUnavailableError(`${this.#pendingBytes} bytes are waiting for the log already`),
      );
    }

    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        call.reject(new LogUnavailableError(`The log took more than ${timeoutMs} ms`));
      }, timeoutMs);
      const settle = () => {
        call.settled = true;
        clearTimeout(timer);
      };
      const call: Call<T> = {
        records,
        bytes,
        settled: false,
        resolve: (appended) => {
          settle();
          resolve(appended);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      this.#pendingBytes += bytes;
      this.#waiting.push(call);
      this.#startWrites();
    });
  }

  /** Takes no more appends and resolves once those made before have ended, one way or the other. */
  close(): Promise<void> {
    this.#closed = true;
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #isIdle(): boolean {
    return this.#writesInFlight === 0 && this.#waiting.length === 0;
  }

  #startWrites(): void {
    while (this.#writesInFlight < this.#options.writesInFlightMax && this.#waiting.length > 0) {
      const calls = this.#takeCalls();
      if (calls.length === 0) continue;
      this.#writesInFlight += 1;
      void this.#write(calls).finally(() => {
        this.#writesInFlight -= 1;
        this.#startWrites();
      });
    }
    if (this.#isIdle()) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** As many calls as one write may hold, oldest first; those given up while waiting drop out. */
  #takeCalls(): Call<T>[] {
    const { writeBytesMax, writeRecordsMax } = this.#options;
    const calls: Call<T>[] = [];
    let bytes = 0;
    let recordCount = 0;
    for (const call of this.#waiting) {
      bytes += call.bytes;
      recordCount += call.records.length;
      if (calls.length > 0 && (bytes > writeBytesMax || recordCount > writeRecordsMax)) break;
      calls.push(call);
    }
    this.#waiting.splice(0, calls.length);
    for (const call of calls) if (call.settled) this.#pendingBytes -= call.bytes;
    return calls.filter((call) => !call.settled);
  }

  async #write(calls: readonly Call<T>[]): Promise<void> {
    try {
      const appended = await this.#options.write(calls.flatMap((call) => call.records));
      let from = 0;
      for (const call of calls) {
        this.#pendingBytes -= call.bytes;
        call.resolve(appended.slice(from, from + call.records.length));
        from += call.records.length;
      }
    } catch (error) {
      const [first, ...others] = calls;
      if (error instanceof LogRejectedError && first !== undefined && others.length > 0) {
        // One call's record was refused; alone, only that call fails. The others may now lie in the
        // log twice, which readers remove.
        for (const call of calls) await this.#write([call]);
        return;
      }
      const reason = error instanceof Error ? error : new Error(String(error));
      for (const call of calls) {
        this.#pendingBytes -= call.bytes;
        call.reject(reason);
      }
    }
  }
}
