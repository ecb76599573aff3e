/**
 * `npm test`: installs what it needs, then runs every check there is and counts them. With words
 * after it (`npm test -- unit pipeline`) only the checks whose name has one of them.
 *
 * What failed is named at the end, and so is what passed only when it was repeated (`checks.mjs`).
 * Ends with `N passed, N failed, N skipped`; exit code 0 only if nothing failed.
 */

import { ensureBrowser } from "./ensureBrowser.mjs";
import { ensureInstalled } from "./ensureInstalled.mjs";

const started = Date.now();
const pinned = await ensureInstalled();
if (process.execPath !== pinned) {
  // Installed just now: go on under the pinned Node, whose folder leads PATH.
  const { runPinned } = await import("./ensureInstalled.mjs");
  process.exit(await runPinned([import.meta.filename, ...process.argv.slice(2)]));
}

const { CHECKS } = await import("./checks.mjs");
const wanted = process.argv.slice(2);
const isWanted = ({ name }) => wanted.length === 0 || wanted.some((word) => name.includes(word));
const chosen = CHECKS.map((group) => group.filter(isWanted)).filter((group) => group.length > 0);
if (chosen.flat().some(({ name }) => name.includes("browser"))) await ensureBrowser();

const total = { passed: 0, failed: 0, skipped: 0 };
const lines = [];
const notes = [];

/** Runs a check and adds what came of it. */
async function count(check) {
  const from = Date.now();
  const counts = await check.run();
  for (const key of Object.keys(total)) total[key] += counts[key];
  notes.push(...counts.notes);
  const seconds = ((Date.now() - from) / 1000).toFixed(1);
  lines.push(
    `${counts.failed === 0 ? "ok  " : "FAIL"} ${check.name}: ${counts.passed} passed, ` +
      `${counts.failed} failed, ${counts.skipped} skipped, ${seconds} s`,
  );
}

for (const group of chosen) {
  const names = group.map(({ name }) => name).join(" · ");
  console.log(`\n── ${names} ${"─".repeat(Math.max(0, 70 - names.length))}`);
  await Promise.all(group.map(count));
}
if (notes.length > 0) console.log(`\n${notes.join("\n\n")}`);
console.log(`\n${lines.join("\n")}\n${((Date.now() - started) / 1000).toFixed(0)} s in all`);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
