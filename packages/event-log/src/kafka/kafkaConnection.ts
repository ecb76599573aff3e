/// <reference path="./kafkajsInternals.d.ts" />

import type { ConnectionOptions } from "node:tls";
import { Kafka, logLevel, type RetryOptions, type SASLOptions } from "kafkajs";
import Cluster from "kafkajs/src/cluster/index.js";
import createSocketFactory from "kafkajs/src/network/socketFactory.js";

const CONNECT_TIMEOUT_MS = 3_000;
const AUTHENTICATION_TIMEOUT_MS = 10_000;
const METADATA_AGE_MAX_MS = 60_000;
/** Readers never see records of a transaction that is open or was aborted. */
const READ_COMMITTED = 1;

export interface KafkaConnectionOptions {
  /** `host:port` of one or more brokers to ask for the others. */
  readonly brokers: readonly string[];
  /** Names this program in the brokers' logs and quotas. */
  readonly clientId: string;
  readonly ssl?: boolean | ConnectionOptions;
  readonly sasl?: SASLOptions;
  /** How long any one operation may take before it counts as unavailable. Default 10 s. */
  readonly timeoutMs?: number;
}

export const TIMEOUT_MS = 10_000;

/** A short outage is ridden out; a longer one is for the caller to know, who has a spool. */
const RETRY: RetryOptions = { retries: 3, initialRetryTime: 100, maxRetryTime: 1_000 };

/** The public client. What goes wrong is thrown; kafkajs's own log would say it a second time. */
export function createKafka(options: KafkaConnectionOptions): Kafka {
  const { brokers, clientId, ssl, sasl, timeoutMs = TIMEOUT_MS } = options;
  return new Kafka({
    brokers: [...brokers],
    clientId,
    connectionTimeout: CONNECT_TIMEOUT_MS,
    authenticationTimeout: AUTHENTICATION_TIMEOUT_MS,
    requestTimeout: timeoutMs,
    logLevel: logLevel.NOTHING,
    retry: RETRY,
    ...(ssl === undefined ? {} : { ssl }),
    ...(sasl === undefined ? {} : { sasl }),
  });
}

/** Connections of their own to the brokers, for requests that the public client does not offer. */
export function createCluster(kafka: Kafka, options: KafkaConnectionOptions): Cluster {
  const { brokers, clientId, ssl, sasl, timeoutMs = TIMEOUT_MS } = options;
  return new Cluster({
    logger: kafka.logger(),
    socketFactory: createSocketFactory(),
    brokers,
    clientId,
    // kafkajs reads `false` as TLS with no options.
    ssl: ssl === false ? undefined : ssl,
    sasl,
    connectionTimeout: CONNECT_TIMEOUT_MS,
    authenticationTimeout: AUTHENTICATION_TIMEOUT_MS,
    requestTimeout: timeoutMs,
    enforceRequestTimeout: true,
    metadataMaxAge: METADATA_AGE_MAX_MS,
    allowAutoTopicCreation: false,
    isolationLevel: READ_COMMITTED,
    retry: RETRY,
  });
}
