/** One server of the benchmark, in a process of its own: `main.ts serve NAME LOG ADDRESS TOPIC`. */
import type { Server } from "node:http";
import type { EventLog } from "@trueclick/event-log";
import { createKafkaEventLog } from "@trueclick/event-log/kafka";
import { createPostgresEventLog } from "@trueclick/event-log/postgres";
import { createEdge } from "./edge.ts";
import { createFastifyPeer } from "./fastifyPeer.ts";
import { createNodePeer } from "./nodePeer.ts";

/** What a server tells of itself when asked. */
export interface Usage {
  /** Processor time since the start, all threads, seconds. */
  readonly cpuS: number;
  /** The most memory it ever held. */
  readonly peakRssBytes: number;
}

function openLog(kind: string, address: string): EventLog | null {
  if (kind === "postgres") return createPostgresEventLog({ connectionString: address });
  if (kind === "kafka") return createKafkaEventLog({ brokers: [address], clientId: "bench" });
  return null;
}

async function createServer(name: string, log: EventLog | null, topic: string): Promise<Server> {
  switch (name) {
    case "trueclick":
      return createEdge(log, topic);
    case "fastify":
      return createFastifyPeer(log === null ? null : await log.appender(topic));
    case "node-json":
      return createNodePeer("json");
    case "node-body":
      return createNodePeer("body");
    default:
      throw new RangeError(`No server is called ${name}`);
  }
}

export async function serve([name = "", kind = "", address = "", topic = ""]: readonly string[]) {
  const server = await createServer(name, openLog(kind, address), topic);
  server.listen(0, "127.0.0.1", () => {
    const at = server.address();
    if (at !== null && typeof at === "object") process.send?.({ port: at.port });
  });
  process.on("message", () => {
    const { user, system } = process.cpuUsage();
    const peakRssBytes = process.resourceUsage().maxRSS * 1_024;
    process.send?.({ cpuS: (user + system) / 1e6, peakRssBytes } satisfies Usage);
  });
  process.on("disconnect", () => process.exit());
}
