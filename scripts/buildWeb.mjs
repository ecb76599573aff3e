/**
 * Builds the web app unless the build there is of the same sources. One build at a time: others
 * wait for it and then find nothing left to do.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const WEB = join(ROOT, "apps/web");
const STAMP = join(WEB, ".next/sources.sha256");
const LOCK = join(ROOT, "node_modules/.cache/trueclick/web-build.lock");
const NEXT = join(ROOT, "node_modules/next/dist/bin/next");
/** What changes the build. Tests do not, nor does what runs without one. */
const SOURCES = ["apps/web", "packages/shared/src", "package-lock.json"];
const NOT_SOURCES =
  /(^|\/)(\.next|node_modules|testing)\/|\.test\.tsx?$|next-env\.d\.ts$|tsbuildinfo$/;
/** The program and its API. Of these, pages import what `one-copy-of-the-server` lets them. */
const NOT_BUILT = /^apps\/web\/src\/(main\.ts|runWeb\.ts|server\/|features\/[^/]+\/server\/)/;
const BUILT_OF_SERVER = /\/server\/(viewer|composition|http\/securityHeaders)\.ts$/;
const HEAP_MIB_MAX = 1_536;
const LOCK_POLL_MS = 500;
const LOCK_WAIT_MS_MAX = 10 * 60_000;

function* filesBelow(path) {
  const entries = readdirSync(join(ROOT, path), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const inside = `${path}/${entry.name}`;
    if (NOT_SOURCES.test(entry.isDirectory() ? `${inside}/` : inside)) continue;
    if (entry.isDirectory()) yield* filesBelow(inside);
    else if (NOT_BUILT.test(inside) && !BUILT_OF_SERVER.test(inside)) continue;
    else if (entry.isFile()) yield inside;
  }
}

function hashSources() {
  const hash = createHash("sha256").update(process.versions.node);
  for (const source of SOURCES) {
    const files = source.includes(".") ? [source] : filesBelow(source);
    for (const file of files) {
      const bytes = readFileSync(join(ROOT, file));
      hash.update(`${file}\0${bytes.length}\0`).update(bytes);
    }
  }
  return hash.digest("hex");
}

function readText(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Takes the lock, waiting for a build that is running; one left by a dead process is taken over. */
async function lock() {
  mkdirSync(dirname(LOCK), { recursive: true });
  const deadline = Date.now() + LOCK_WAIT_MS_MAX;
  let told = false;
  while (Date.now() < deadline) {
    try {
      writeFileSync(LOCK, String(process.pid), { flag: "wx" });
      return;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    const holder = Number(readText(LOCK));
    // An empty file is one between its making and its writing; it is read again.
    if (holder > 0 && !isAlive(holder)) rmSync(LOCK, { force: true });
    else {
      if (!told) console.log(`Another process (${holder}) is building the web app; waiting for it`);
      told = true;
      await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
    }
  }
  throw new Error(`Gave up waiting for another build; remove ${relative(ROOT, LOCK)} if none runs`);
}

function runNext() {
  const env = {
    ...process.env,
    NODE_ENV: "production",
    NEXT_TELEMETRY_DISABLED: "1",
    NO_COLOR: "1",
    NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB_MAX}`,
  };
  const next = spawn(process.execPath, [NEXT, "build"], { cwd: WEB, env, stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => next.kill(signal));
  return new Promise((resolve, reject) => {
    next.once("error", reject);
    next.once("exit", (code) => resolve(code ?? 1));
  });
}

async function buildWeb() {
  const sources = hashSources();
  if (readText(STAMP) === sources) return 0;
  await lock();
  try {
    if (readText(STAMP) === sources) return 0;
    // Gone before the build begins, so that a build cut short is not taken for a whole one.
    rmSync(STAMP, { force: true });
    const code = await runNext();
    if (code === 0) writeFileSync(STAMP, sources);
    return code;
  } finally {
    rmSync(LOCK, { force: true });
  }
}

process.exitCode = await buildWeb();
