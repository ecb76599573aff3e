/** One producer of the benchmark, in a process of its own: `main.ts produce NAME BROKERS TOPIC`. */
import { promisify } from "node:util";
import { constants, zstdCompress } from "node:zlib";
import { createKafkaEventLog } from "@trueclick/event-log/kafka";
import { partitionOf } from "@trueclick/event-log/partition";
import kafkajs from "kafkajs";
import { linesToBlocks } from "../../apps/ingest/src/domain/blocks.ts";
import { clickLines } from "../edge/events.ts";

/** The contestant that goes through the log's appender; all others are kafkajs. */
export const OURS = "trueclick";

const EVENTS_A_ROUND = 100_000;
const EVENTS_A_SEND = 500;
const SENDS_IN_FLIGHT = 5;
const BLOCK_BYTES_MAX = 1_048_576;
const ALL_REPLICAS = -1;
const PREPARED_SENDS = 10;

/** Events made ready, for what is measured is the sending of them. */
type Prepare = (lines: readonly string[]) => () => Promise<unknown>;

async function openTrueclick(brokers: string, topic: string): Promise<Prepare> {
  const log = createKafkaEventLog({ brokers: [brokers], clientId: "bench" });
  const appender = await log.appender(topic);
  const { partitionCount } = appender;
  return (lines) => {
    const events = lines.map((line) => ({ eventId: idOf(line), line }));
    const limits = { partitionCount, partitionOf, bytesMax: BLOCK_BYTES_MAX };
    const blocks = linesToBlocks(events, limits);
    return () => appender.append(blocks);
  };
}

/** As its documentation has it, many messages a send; keys spread them as ours are. */
async function openKafkajs(brokers: string, topic: string, isZstd: boolean): Promise<Prepare> {
  const compress = promisify(zstdCompress);
  const params = { [constants.ZSTD_c_compressionLevel]: 1 };
  kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = () => ({
    compress: (encoder: { readonly buffer: Buffer }) => compress(encoder.buffer, { params }),
    decompress: (bytes: Buffer) => Promise.resolve(bytes),
  });
  const kafka = new kafkajs.Kafka({ brokers: [brokers], logLevel: kafkajs.logLevel.NOTHING });
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  const compression = isZstd ? kafkajs.CompressionTypes.ZSTD : kafkajs.CompressionTypes.None;
  return (lines) => {
    const messages = lines.map((line) => ({ key: idOf(line), value: Buffer.from(line) }));
    return () => producer.send({ topic, acks: ALL_REPLICAS, compression, messages });
  };
}

function open(name: string, brokers: string, topic: string): Promise<Prepare> {
  if (name === OURS) return openTrueclick(brokers, topic);
  return openKafkajs(brokers, topic, name === "kafkajs with zstd");
}

const ID = /"event_id":"([^"]+)"/;

function idOf(line: string): string {
  return ID.exec(line)?.[1] ?? "";
}

async function sendRound(sends: readonly (() => Promise<unknown>)[]) {
  const cpuBefore = process.cpuUsage();
  const startedMs = performance.now();
  let sent = 0;
  const sendNext = async (): Promise<void> => {
    while (sent < EVENTS_A_ROUND) {
      const send = sends[(sent / EVENTS_A_SEND) % sends.length];
      sent += EVENTS_A_SEND;
      await send?.();
    }
  };
  await Promise.all(Array.from({ length: SENDS_IN_FLIGHT }, sendNext));
  const seconds = (performance.now() - startedMs) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    events_per_s: EVENTS_A_ROUND / seconds,
    cpu_s_per_m_events: (user + system) / EVENTS_A_ROUND,
  };
}

export async function produce([name = "", brokers = "", topic = ""]: readonly string[]) {
  const prepare = await open(name, brokers, topic);
  const sends = Array.from({ length: PREPARED_SENDS }, () =>
    prepare(clickLines(EVENTS_A_SEND, Date.now())),
  );
  process.on("message", () => {
    sendRound(sends).then(
      (figures) => process.send?.(figures),
      (error: unknown) => {
        process.stderr.write(`${name}: ${error}\n`);
        process.exit(1);
      },
    );
  });
  process.on("disconnect", () => process.exit());
  process.send?.("ready");
}
