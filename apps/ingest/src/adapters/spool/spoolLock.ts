import { once } from "node:events";
import { rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { SpoolUnavailableError } from "../../ports/spool.ts";

/** The longest path that a socket takes on every platform, bytes. */
const SOCKET_PATH_BYTES_MAX = 103;

/**
 * Holds a spool's folder for one process: two would remove each other's files. A listening socket,
 * because the system lets go of it however the process ends, and other than a process id it is the
 * same for all containers that share the folder on a machine.
 *
 * @returns Lets go.
 * @throws {SpoolUnavailableError} Another process has it.
 */
export async function lockSpoolFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, "lock");
  if (Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX) {
    throw new SpoolUnavailableError(`${path} is longer than ${SOCKET_PATH_BYTES_MAX} bytes`);
  }
  if (await isHeld(path)) throw new SpoolUnavailableError(`${folder} is another process's spool`);
  await rm(path, { force: true });
  const server = createServer((socket) => socket.destroy());
  try {
    await listen(server, path);
  } catch (cause) {
    throw new SpoolUnavailableError(`${folder} cannot be locked`, { cause });
  }
  // The lock alone must not keep the process alive.
  server.unref();
  return async () => {
    server.close();
    await once(server, "close");
  };
}

async function listen(server: Server, path: string): Promise<void> {
  server.listen(path);
  await once(server, "listening");
}

function isHeld(path: string): Promise<boolean> {
  const socket = connect(path);
  return new Promise((resolve) => {
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    // Nobody listens: a file left by a process that was killed, or none at all.
    socket.once("error", () => resolve(false));
  });
}
