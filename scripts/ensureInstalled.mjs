/**
 * Brings `node_modules` to what `package-lock.json` says and finds the Node.js that the project is
 * pinned to. Plain JavaScript for the Node.js that a machine happens to have, without dependencies.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BIN = join(ROOT, "node_modules/.bin");
const NODE_MAJOR_MIN = 20;
/** What npm prints when it was the network that failed, not the packages. */
const NETWORK_FAULT =
  /ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|CERT_|network/i;

/** A machine that lacks something; the message says what, and what to do about it. */
export class MissingToolError extends Error {
  name = "MissingToolError";
}

/**
 * Installs the dependencies unless they are there, and answers the real path of the pinned Node.js.
 *
 * @returns {Promise<string>}
 * @throws {MissingToolError} if something is missing that only the user can provide.
 */
export async function ensureInstalled() {
  const major = Number(process.versions.node.split(".", 1)[0]);
  if (major < NODE_MAJOR_MIN) {
    throw new MissingToolError(
      `Trueclick needs Node.js ${NODE_MAJOR_MIN} or later, this is ${process.versions.node}.\n` +
        "Install a current one from https://nodejs.org and run the same command again.",
    );
  }
  const reason = whyInstall();
  if (reason !== null) {
    console.log(`Installing dependencies (npm ci): ${reason}. This takes a minute or two.`);
    await install();
  }
  return pinnedNode();
}

/**
 * Runs a program with the pinned Node.js, its folder first on PATH, passes signals on, and answers
 * the exit code, as a shell would give it.
 *
 * @param {readonly string[]} args
 * @param {{ channel?: boolean }} [options] `channel` opens an IPC channel, by whose end the program
 *   learns that this process is gone.
 * @returns {Promise<number>}
 */
export function runPinned(args, { channel = false } = {}) {
  const child = spawn(pinnedNode(), args, {
    stdio: ["inherit", "inherit", "inherit", ...(channel ? ["ipc"] : [])],
    env: { ...process.env, PATH: `${BIN}${delimiter}${process.env.PATH ?? ""}` },
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => child.kill(signal));
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? (signal === "SIGKILL" ? 137 : 143)));
  });
}

/**
 * Compares the lock with what npm noted about the tree it last finished. npm writes that note when
 * all is done, so an installation that was cut short counts as none.
 *
 * @returns {string | null}
 */
function whyInstall() {
  const wanted = readPackages(join(ROOT, "package-lock.json"));
  if (wanted === null) throw new MissingToolError("package-lock.json is missing or damaged.");
  const found = readPackages(join(ROOT, "node_modules/.package-lock.json"));
  if (found === null) return "nothing is installed yet";
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.includes("node_modules/")) continue;
    const name = path.slice(path.lastIndexOf("node_modules/") + 13);
    if (entry.link === true) {
      // A workspace has no package of its own to compare.
      if (!existsSync(join(ROOT, path))) return `the workspace ${name} is new`;
    } else if (!isAsWanted(entry, found[path])) {
      return `${name} is not as package-lock.json says`;
    }
  }
  return existsSync(join(BIN, "node")) ? null : "the pinned Node.js is not there";
}

function isAsWanted(entry, installed) {
  // Packages for other platforms are in the lock, and rightly not in the tree.
  const mayBeMissing = entry.optional === true || entry.devOptional === true;
  if (installed === undefined && mayBeMissing) return true;
  return installed?.version === entry.version && installed?.integrity === entry.integrity;
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages ?? null;
  } catch {
    return null;
  }
}

async function install() {
  // Development dependencies hold the pinned Node.js itself, whatever NODE_ENV says.
  // Warnings are of the Node.js that runs npm; the packages are run by the pinned one.
  const args = ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"];
  const { code, errors } = await runNpm(args);
  if (code === 0) return;
  throw new MissingToolError(
    NETWORK_FAULT.test(errors)
      ? "The npm registry could not be reached. Check the network and, where there is one, the\n" +
          "proxy; `npm config get registry` shows the registry's address. Then run this again."
      : `npm ci ended with code ${code}; what it printed above says why.`,
  );
}

function runNpm(args) {
  // Not by a Node.js out of the tree that npm is about to replace.
  const path = (process.env.PATH ?? "").split(delimiter).filter((dir) => !dir.startsWith(BIN));
  const npm = spawn("npm", args, {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "pipe"],
    env: { ...process.env, PATH: path.join(delimiter) },
  });
  let errors = "";
  npm.stderr.on("data", (chunk) => {
    process.stderr.write(chunk);
    errors = (errors + chunk).slice(-20_000);
  });
  return new Promise((resolve, reject) => {
    npm.once("error", (error) => {
      reject(
        error.code === "ENOENT"
          ? new MissingToolError("npm is not on the PATH. It comes with Node.js: install both.")
          : error,
      );
    });
    npm.once("close", (code) => resolve({ code: code ?? 1, errors }));
  });
}

function pinnedNode() {
  try {
    return realpathSync(join(BIN, "node"));
  } catch {
    throw new MissingToolError(
      "The pinned Node.js did not get installed. npm must be allowed to run install scripts\n" +
        "here (`npm config get ignore-scripts` must say false). Then run `npm ci` again.",
    );
  }
}
