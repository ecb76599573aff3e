/** One server of the benchmark, in a process of its own: `main.ts serve NAME LOG ADDRESS TOPIC`. */
import type { Server } from "node:http";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { EventLog } from "@trueclick/event-log";
import { createPostgresEventLog } from "@trueclick/event-log/postgres";
import { createEdge, PARTITIONS } from "./edge.ts";
import { createFastifyPeer } from "./fastifyPeer.ts";
import { openKafkajsAppender } from "./kafkajsAppender.ts";
import { createNodePeer } from "./nodePeer.ts";

/** What a server tells of itself when asked. */
export interface Usage {
  /** Processor time since the start, all threads, seconds. */
  readonly cpuS: number;
  /** The most memory it ever held. */
  readonly peakRssBytes: number;
  /** How long the event loop let a turn wait at most since it was asked last, milliseconds. */
  readonly loopDelayMaxMs: number;
}

/** How often the loop is looked at, milliseconds: part of each delay that is measured. */
const LOOP_LOOKED_AT_MS = 5;

async function openLog(kind: string, address: string): Promise<EventLog | null> {
  if (kind === "postgres") return createPostgresEventLog({ connectionString: address });
  if (kind !== "kafka") return null;
  // Not for all: it repairs kafkajs, which one of the peers uses as it comes.
  const { createKafkaEventLog } = await import("@trueclick/event-log/kafka");
  return createKafkaEventLog({ brokers: [address], clientId: "bench" });
}

async function openPeerLog(kind: string, address: string, topic: string) {
  if (kind === "kafkajs") return openKafkajsAppender(address, topic, PARTITIONS);
  const log = await openLog(kind, address);
  return log === null ? null : await log.appender(topic);
}

async function createServer(
  name: string,
  kind: string,
  address: string,
  topic: string,
): Promise<Server> {
  switch (name) {
    case "trueclick":
      return createEdge(await openLog(kind, address), topic);
    case "fastify":
      return createFastifyPeer(await openPeerLog(kind, address, topic));
    case "node-json":
      return createNodePeer("json");
    case "node-body":
      return createNodePeer("body");
    default:
      throw new RangeError(`No server is called ${name}`);
  }
}

export async function serve([name = "", kind = "", address = "", topic = ""]: readonly string[]) {
  const server = await createServer(name, kind, address, topic);
  const loopDelay = monitorEventLoopDelay({ resolution: LOOP_LOOKED_AT_MS });
  loopDelay.enable();
  server.listen(0, "127.0.0.1", () => {
    const at = server.address();
    if (at !== null && typeof at === "object") process.send?.({ port: at.port });
  });
  process.on("message", () => {
    const { user, system } = process.cpuUsage();
    const peakRssBytes = process.resourceUsage().maxRSS * 1_024;
    const loopDelayMaxMs = Math.max(0, loopDelay.max / 1e6 - LOOP_LOOKED_AT_MS);
    loopDelay.reset();
    process.send?.({ cpuS: (user + system) / 1e6, peakRssBytes, loopDelayMaxMs } satisfies Usage);
  });
  process.on("disconnect", () => process.exit());
}
