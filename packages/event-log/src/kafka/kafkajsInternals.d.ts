/** The parts of kafkajs 2.2.4 below its public surface that are used; see decisions 0002 and 0012. */

declare module "kafkajs/src/cluster/index.js" {
  import type { ConnectionOptions } from "node:tls";
  import type { ISocketFactory, Logger, RetryOptions, SASLOptions } from "kafkajs";
  import type Batch from "kafkajs/src/consumer/batch.js";
  import type Encoder from "kafkajs/src/protocol/encoder.js";

  interface FetchRequest {
    readonly replicaId: number;
    readonly isolationLevel: number;
    readonly maxWaitTime: number;
    readonly minBytes: number;
    readonly maxBytes: number;
    readonly topics: readonly {
      readonly topic: string;
      readonly partitions: readonly {
        readonly partition: number;
        readonly fetchOffset: string;
        readonly maxBytes: number;
      }[];
    }[];
  }

  interface FetchBroker {
    /** @throws a KafkaJSProtocolError for the first partition that answers with an error code. */
    fetch(request: FetchRequest): Promise<{
      readonly responses: readonly {
        readonly partitions: readonly ConstructorParameters<typeof Batch>[2][];
      }[];
    }>;
    /** @throws a KafkaJSProtocolError where the broker will not tell. */
    describeConfigs(request: {
      readonly resources: readonly { readonly type: number; readonly name: string }[];
    }): Promise<{
      readonly resources: readonly {
        readonly configEntries: readonly {
          readonly configName: string;
          readonly configValue: string;
        }[];
      }[];
    }>;
    /** By the number of a request: which of its versions the broker takes. */
    readonly versions: Readonly<Record<number, { readonly maxVersion: number }>> | null;
    readonly connectionPool: {
      /** Any request, whether or not kafkajs knows it. The answer starts behind its correlation id. */
      send<Answer>(protocol: {
        readonly request: {
          readonly apiKey: number;
          readonly apiVersion: number;
          readonly apiName: string;
          readonly encode: () => Promise<Encoder>;
        };
        readonly response: {
          readonly decode: (answer: Buffer) => Promise<{ readonly answer: Buffer }>;
          readonly parse: (decoded: { readonly answer: Buffer }) => Promise<Answer>;
        };
      }): Promise<Answer>;
    };
  }

  class Cluster {
    constructor(options: {
      readonly logger: Logger;
      readonly socketFactory: ISocketFactory;
      readonly brokers: readonly string[];
      readonly clientId: string;
      readonly ssl: ConnectionOptions | boolean | undefined;
      readonly sasl: SASLOptions | undefined;
      readonly connectionTimeout: number;
      readonly authenticationTimeout: number;
      readonly requestTimeout: number;
      readonly enforceRequestTimeout: boolean;
      readonly metadataMaxAge: number;
      readonly allowAutoTopicCreation: boolean;
      readonly isolationLevel: number;
      readonly retry: RetryOptions;
    });
    connect(): Promise<void>;
    disconnect(): Promise<void>;
    addTargetTopic(topic: string): Promise<void>;
    refreshMetadataIfNecessary(): Promise<void>;
    findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number }[];
    findLeaderForPartitions(
      topic: string,
      partitions: readonly number[],
    ): Readonly<Record<string, readonly number[]>>;
    findBroker(node: { readonly nodeId: string }): Promise<FetchBroker>;
    fetchTopicsOffset(
      topics: readonly {
        readonly topic: string;
        readonly partitions: readonly { readonly partition: number }[];
        readonly fromBeginning: boolean;
      }[],
    ): Promise<
      readonly {
        readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
      }[]
    >;
  }
  export = Cluster;
}

declare module "kafkajs/src/consumer/batch.js" {
  import type { KafkaMessage } from "kafkajs";

  type FetchedMessage = KafkaMessage & {
    /** Of the batch that it came in; records of the formats before batches have none. */
    readonly batchContext?: { readonly timestampType: number };
  };

  /** Leaves out control records, records of aborted transactions, and those before the offset. */
  class Batch {
    constructor(
      topic: string,
      fetchedOffset: string,
      partition: {
        readonly partition: number;
        readonly highWatermark: string;
        readonly abortedTransactions: readonly unknown[];
        readonly messages: readonly unknown[];
      },
    );
    readonly messages: readonly FetchedMessage[];
    isEmptyDueToFiltering(): boolean;
    lastOffset(): string;
  }
  export = Batch;
}

declare module "kafkajs/src/network/socketFactory.js" {
  import type { ISocketFactory } from "kafkajs";

  function createSocketFactory(): ISocketFactory;
  export = createSocketFactory;
}

declare module "kafkajs/src/network/requestQueue/index.js" {
  class RequestQueue {
    readonly pending: readonly unknown[];
    readonly throttledUntil: number;
    throttleCheckTimeoutId: NodeJS.Timeout | null;
    checkPendingRequests(): void;
    scheduleCheckPendingRequests(): void;
  }
  export = RequestQueue;
}

declare module "kafkajs/src/protocol/encoder.js" {
  /** Grows as it is written to, unless told a size that is enough. */
  class Encoder {
    constructor(bytes?: number);
    /** What there is room in; the first `offset` bytes are written. */
    buf: Buffer;
    offset: number;
    readonly buffer: Buffer;
    writeEncoder(value: Encoder): this;
    writeInt16(value: number): this;
    writeInt32(value: number): this;
    writeString(value: string | null): this;
    writeBuffer(value: Buffer): this;
  }
  export = Encoder;
}

declare module "kafkajs/src/protocol/requests/produce/index.js" {
  import type { Message } from "kafkajs";
  import type Encoder from "kafkajs/src/protocol/encoder.js";

  interface ProduceData {
    readonly acks: number;
    readonly timeout: number;
    readonly compression?: number;
    readonly topicData: readonly {
      readonly topic: string;
      readonly partitions: readonly {
        readonly partition: number;
        readonly messages: readonly Message[];
      }[];
    }[];
  }

  interface Produce {
    readonly request: { readonly encode: () => Promise<Encoder> };
    readonly response: object;
  }

  /** The object itself is what kafkajs asks at each request. */
  const definition: {
    protocol: (of: { readonly version: number }) => (data: ProduceData) => Produce;
  };
  export = definition;
}

declare module "kafkajs/src/protocol/request.js" {
  import type Encoder from "kafkajs/src/protocol/encoder.js";

  /** The whole of a request: its length, its header and what `encode` gives. */
  function createRequest(options: {
    readonly correlationId: number;
    readonly clientId: string;
    readonly request: { readonly encode: () => Promise<Encoder> };
  }): Promise<Encoder>;
  export = createRequest;
}
