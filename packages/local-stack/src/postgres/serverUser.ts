import { execFile } from "node:child_process";
import { chmod, chown, mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);
const USER = "postgres";
const OTHERS_MAY_PASS = 0o001;

/** Whom to run PostgreSQL as: it refuses to be root. Empty when we are not root ourselves. */
export interface ServerUser {
  readonly uid?: number;
  readonly gid?: number;
}

/** Finds, or as root creates, the user that runs PostgreSQL. */
export async function findServerUser(): Promise<ServerUser> {
  if (process.getuid?.() !== 0) return {};
  try {
    return await idsOf(USER);
  } catch {
    await execute("useradd", ["--system", "--user-group", "--no-create-home", USER]);
    return idsOf(USER);
  }
}

/**
 * Makes the data folder and gives it to the server's user, who must also be able to get there.
 * Folders that only root may pass, as `mkdtemp` makes them, are opened for passing (not reading)
 * up to the file system's root.
 */
export async function prepareDataDir(dataDir: string, user: ServerUser): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  if (user.uid === undefined) return;
  await giveTo(dataDir, user);
  for (let dir = dirname(dataDir); dir !== dirname(dir); dir = dirname(dir)) {
    const { mode } = await stat(dir);
    if ((mode & OTHERS_MAY_PASS) === 0) await chmod(dir, (mode & 0o7777) | OTHERS_MAY_PASS);
  }
}

/** Makes the server's user the owner; nothing to do when that is us. */
export async function giveTo(path: string, { uid, gid }: ServerUser): Promise<void> {
  if (uid !== undefined && gid !== undefined) await chown(path, uid, gid);
}

async function idsOf(name: string): Promise<Required<ServerUser>> {
  const [uid, gid] = await Promise.all([
    execute("id", ["-u", name]).then(({ stdout }) => Number.parseInt(stdout, 10)),
    execute("id", ["-g", name]).then(({ stdout }) => Number.parseInt(stdout, 10)),
  ]);
  return { uid, gid };
}
