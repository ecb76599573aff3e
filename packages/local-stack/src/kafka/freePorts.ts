import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Ports on the loopback that nobody listens on right now, all different. Another process may take
 * one before the caller does; the caller's own start then says so.
 */
export async function findFreePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  try {
    return await Promise.all(
      servers.map(async (server) => {
        server.listen(0, "127.0.0.1");
        await once(server, "listening");
        const address = server.address();
        if (address === null || typeof address === "string") {
          throw new Error(`A TCP server has no port: ${address}`);
        }
        return address.port;
      }),
    );
  } finally {
    for (const server of servers) server.close();
  }
}
