import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdir, rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { SpoolUnavailableError } from "../../ports/spool.ts";

/** The longest path that a socket takes on every platform, bytes. */
const SOCKET_PATH_BYTES_MAX = 103;
const LOCK_PREFIX = "lock";
/** What connecting to a socket says when nobody listens there: its process was killed. */
const NOBODY_LISTENS: readonly unknown[] = ["ECONNREFUSED", "ENOENT", "ENOTSOCK"];

/**
 * Holds a spool's folder for one process: two would remove each other's files. A listening socket,
 * because the system lets go of it however the process ends, and other than a process id it is the
 * same for all containers that share the folder on a machine.
 *
 * Each candidate listens first, under a name that nobody else will ever use, and then looks for
 * others. Of two that come at once at least one sees the other and withdraws, perhaps both; never do
 * both stay. Only who stays removes what killed processes left.
 *
 * @returns Lets go.
 * @throws {SpoolUnavailableError} Another process has it, or is about to.
 */
export async function lockSpoolFolder(folder: string): Promise<() => Promise<void>> {
  const ownName = `${LOCK_PREFIX}.${randomBytes(4).toString("hex")}`;
  const path = join(folder, ownName);
  if (Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX) {
    throw new SpoolUnavailableError(`${path} is longer than ${SOCKET_PATH_BYTES_MAX} bytes`);
  }
  const server = createServer((socket) => socket.destroy());
  try {
    await listen(server, path);
  } catch (cause) {
    throw new SpoolUnavailableError(`${folder} cannot be locked`, { cause });
  }
  try {
    await outliveOthers(folder, ownName);
  } catch (error) {
    await close(server);
    throw error;
  }
  // The lock alone must not keep the process alive.
  server.unref();
  return () => close(server);
}

async function outliveOthers(folder: string, ownName: string): Promise<void> {
  const names = await readdir(folder);
  const others = names.filter((name) => name.startsWith(LOCK_PREFIX) && name !== ownName);
  const paths = others.map((name) => join(folder, name));
  const areHeld = await Promise.all(paths.map(isHeld));
  if (areHeld.includes(true)) {
    throw new SpoolUnavailableError(`${folder} is another process's spool`);
  }
  await Promise.all(paths.map((path) => rm(path, { force: true })));
}

async function listen(server: Server, path: string): Promise<void> {
  server.listen(path);
  await once(server, "listening");
}

async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  await closed;
}

/** Whatever is not known to be dead is held: a queue that is full, a socket of another user. */
function isHeld(path: string): Promise<boolean> {
  const socket = connect(path);
  return new Promise((resolve) => {
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error) => {
      resolve(!("code" in error && NOBODY_LISTENS.includes(error.code)));
    });
  });
}
