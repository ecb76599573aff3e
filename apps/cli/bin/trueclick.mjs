#!/usr/bin/env node
/**
 * Starts the command line. It is written in TypeScript, which Node.js runs from 22.18 on; an older
 * one hands over to the Node.js that the project is pinned to.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const PINNED = fileURLToPath(new URL("../../../node_modules/.bin/node", import.meta.url));

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major > 22 || (major === 22 && minor >= 18)) {
  await import(MAIN);
} else if (existsSync(PINNED)) {
  const child = spawn(PINNED, [MAIN, ...process.argv.slice(2)], { stdio: "inherit" });
  // A terminal sends Ctrl-C to both; this one stays until the other has ended in order.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => child.kill(signal));
  }
  child.once("exit", (code) => {
    process.exitCode = code ?? 1;
  });
} else {
  process.stderr.write("The dependencies are not installed. Run `npm ci` or `npm start` first.\n");
  process.exitCode = 1;
}
