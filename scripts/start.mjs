/** `npm start`: installs what is needed, then hands over to `trueclick start` on the pinned Node.js. */
import { fileURLToPath } from "node:url";
import { ensureInstalled, MissingToolError, runPinned } from "./ensureInstalled.mjs";

const CLI = fileURLToPath(new URL("../apps/cli/src/main.ts", import.meta.url));

try {
  await ensureInstalled();
  process.exitCode = await runPinned([CLI, "start", ...process.argv.slice(2)], { channel: true });
} catch (error) {
  if (!(error instanceof MissingToolError)) throw error;
  console.error(`\n${error.message}`);
  process.exitCode = 1;
}
