import {
  type AppendRequest,
  type EventLog,
  LogUnavailableError,
  UnknownTopicError,
} from "@trueclick/event-log";

/** A log in memory that can be switched off and made to hang, for tests of what its users do then. */
export class MemoryEventLog implements EventLog {
  readonly records = new Map<string, AppendRequest[]>();
  /** Appends, each with its records, in order. */
  readonly appends: (readonly AppendRequest[])[] = [];
  readonly created: { readonly topic: string; readonly partitionCount: number }[] = [];
  isUp = true;
  /** Appends wait for it. */
  gate: Promise<void> = Promise.resolve();

  admin() {
    return {
      ensureTopic: async (topic: string, { partitionCount }: { partitionCount: number }) => {
        this.created.push({ topic, partitionCount });
        this.records.set(topic, []);
      },
      growTopic: async () => {},
      applyRetention: async () => 0,
      restore: async () => {},
      close: async () => {},
    };
  }

  async appender(topic: string) {
    this.#check(topic);
    return {
      topic,
      partitionCount: this.created.find((entry) => entry.topic === topic)?.partitionCount ?? 1,
      append: async (records: readonly AppendRequest[]) => {
        await this.gate;
        const kept = this.#check(topic);
        this.appends.push(records);
        const first = BigInt(kept.length);
        // Once they are appended, the bytes are the caller's again.
        kept.push(...records.map((one) => ({ ...one, value: Buffer.from(one.value) })));
        return records.map(({ partition }, index) => ({
          partition,
          offset: first + BigInt(index),
        }));
      },
      close: async () => {},
    };
  }

  async reader(topic: string) {
    const kept = this.#check(topic);
    return {
      topic,
      partitionCount: 1,
      refreshPartitionCount: async () => 1,
      endOffsets: async () => [BigInt(kept.length)],
      facts: async () => ({ topicId: null, timesBy: "log" as const }),
      read: async () => [],
      release: () => {},
      offsets: async () => {
        this.#check(topic);
        return { startOffset: 0n, endOffset: BigInt(kept.length) };
      },
      close: async () => {},
    };
  }

  #check(topic: string): AppendRequest[] {
    if (!this.isUp) throw new LogUnavailableError("off");
    const kept = this.records.get(topic);
    if (kept === undefined) throw new UnknownTopicError(topic);
    return kept;
  }
}
