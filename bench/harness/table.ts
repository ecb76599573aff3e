/** Results as a Markdown table, ready for `bench/README.md`. */
import { execFileSync } from "node:child_process";
import { cpus } from "node:os";
import { figureOf, ratioOf, type Standing } from "./rounds.ts";
import type { Spread } from "./statistics.ts";

/**
 * A row a contestant, a column a figure: the median, with least and most in brackets. Where a peer
 * is named, each figure is also given as a multiple of the peer's.
 */
export function resultTable(
  standings: readonly Standing[],
  figures: readonly string[],
  peerName?: string,
): string {
  const peer = standings.find(({ name }) => name === peerName);
  const ratios = peer === undefined ? [] : figures.map((figure) => `× ${peer.name}, ${figure}`);
  const head = ["contestant", ...figures, ...ratios];
  const rows = standings.map((standing) => [
    standing.name,
    ...figures.map((figure) => spreadText(figureOf(standing, figure))),
    ...(peer === undefined
      ? []
      : figures.map((figure) => spreadText(ratioOf(standing, peer, figure)))),
  ]);
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** Where and of what the figures are: date, commit, runtime, processor. */
export function provenance(): string {
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  const day = new Date().toISOString().slice(0, 10);
  const processors = cpus();
  return `${day}, commit ${commit}, Node ${process.versions.node}, ${processors.length} × ${processors[0]?.model ?? "?"}`;
}

function spreadText({ median, min, max }: Spread): string {
  return `${short(median)} (${short(min)}–${short(max)})`;
}

/** Three significant figures: more would claim a precision that a shared machine does not have. */
function short(value: number): string {
  return new Intl.NumberFormat("en", { maximumSignificantDigits: 3 }).format(value);
}
