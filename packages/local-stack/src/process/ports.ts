import { once } from "node:events";
import { createServer } from "node:net";

/** Somebody else listens there. */
export class PortBusyError extends Error {
  override readonly name = "PortBusyError";
  readonly port: number;

  constructor(port: number, what: string) {
    super(`Port ${port}, wanted for ${what}, is taken by another program`);
    this.port = port;
  }
}

/**
 * The port itself if it is free on the loopback, or any free one for 0.
 *
 * @throws {PortBusyError} if somebody listens there.
 */
export async function claimPort(port: number, what: string): Promise<number> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
    return address.port;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EADDRINUSE") {
      throw new PortBusyError(port, what);
    }
    throw error;
  } finally {
    server.close();
  }
}
