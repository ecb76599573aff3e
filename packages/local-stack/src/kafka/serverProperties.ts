import { join } from "node:path";

/** Largest record batch that the broker takes, bytes: twice the log's largest block. */
const MESSAGE_BYTES_MAX = 2 * 1_048_576;

export interface KafkaPorts {
  readonly broker: number;
  readonly controller: number;
}

/**
 * The settings of one process that is broker and controller at once (KRaft), on the loopback only.
 *
 * With a single node there is nobody to replicate to, so what is acked lies in the page cache of
 * this machine: it survives the death of the process in any way, not that of the machine. Kafka's
 * answer to the latter is replication, and a cluster of one cannot show it.
 */
export function toServerProperties(dir: string, ports: KafkaPorts): string {
  const settings = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.quorum.voters": `1@127.0.0.1:${ports.controller}`,
    listeners: `BROKER://127.0.0.1:${ports.broker},CONTROLLER://127.0.0.1:${ports.controller}`,
    "advertised.listeners": `BROKER://127.0.0.1:${ports.broker}`,
    "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "BROKER",
    "controller.listener.names": "CONTROLLER",
    "log.dirs": join(dir, "data"),
    // Apart from the data, because only then does Kafka lock it before writing to it. In one folder
    // a second broker is refused too late, when it has already spoilt the first one's metadata.
    "metadata.log.dir": join(dir, "metadata"),

    // A misspelt topic is an error to show, not a topic to create.
    "auto.create.topics.enable": false,
    "log.message.timestamp.type": "LogAppendTime",
    "message.max.bytes": MESSAGE_BYTES_MAX,

    "default.replication.factor": 1,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "share.coordinator.state.topic.num.partitions": 1,

    // A killed broker is let back in once its old session has ended; the default holds it out 9 s.
    "broker.session.timeout.ms": 3000,
    "broker.heartbeat.interval.ms": 500,
    "group.initial.rebalance.delay.ms": 0,

    // The defaults are for a server's memory and disks: 128 MiB of heap for compaction alone, and
    // two sparse index files of 10 MiB for every partition.
    "log.cleaner.dedupe.buffer.size": 4 * 1_048_576,
    "log.index.size.max.bytes": 1_048_576,
    "log.segment.bytes": 128 * 1_048_576,
  };
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join("");
}
