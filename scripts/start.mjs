/** `npm start`: installs what is needed, then hands over to `trueclick start` on the pinned Node.js. */
import { fileURLToPath } from "node:url";
import { ensureInstalled, MissingToolError, runPinned } from "./ensureInstalled.mjs";

const CLI = fileURLToPath(new URL("../apps/cli/src/main.ts", import.meta.url));
/** It watches and waits; without a bound it would keep what laying down the demo once needed. */
const HEAP = "--max-old-space-size=192";

try {
  await ensureInstalled();
  const start = [HEAP, CLI, "start", ...process.argv.slice(2)];
  process.exitCode = await runPinned(start, { channel: true });
} catch (error) {
  if (!(error instanceof MissingToolError)) throw error;
  console.error(`\n${error.message}`);
  process.exitCode = 1;
}
