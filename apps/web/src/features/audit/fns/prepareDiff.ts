/** What changed between two versions of a billing day, in sentences. */
import { causeWords } from "../../../report/fns/causes.ts";
import type { ApiOutputs } from "../../../shell/apiTypes.ts";
import { formatCount, formatMoney, formatSigned } from "../../../shell/fns/format.ts";

export type VersionDiff = ApiOutputs["audit"]["versionDiff"];

/** `Version 2 costs €95.00 less than version 1: -380 valid clicks, +380 robot clicks.` */
export function diffSentence(
  diff: Pick<VersionDiff, "after" | "before" | "currency" | "costMicros" | "moved">,
): string {
  const { before, after, currency, costMicros } = diff;
  const amount = costMicros < 0n ? -costMicros : costMicros;
  const costs =
    costMicros === 0n
      ? `costs the same as version ${before.version}`
      : `costs ${formatMoney(amount, currency)} ${costMicros < 0n ? "less" : "more"} than version ${before.version}`;
  const moves = movedClicks(diff.moved).map(
    ({ verdict, clicks }) => `${formatSigned(clicks)} ${clickWords(verdict)}`,
  );
  const told = moves.length === 0 ? "" : `: ${moves.join(", ")}`;
  return `Version ${after.version} ${costs}${told}.`;
}

/** Clicks by verdict that one version has more of; the valid ones first, then the largest. */
function movedClicks(moved: VersionDiff["moved"]) {
  const clicks = moved.filter(({ eventType }) => eventType === "click");
  return [...Map.groupBy(clicks, ({ verdict }) => verdict)]
    .map(([verdict, rows]) => ({
      verdict,
      clicks: rows.reduce((sum, { events }) => sum + events, 0),
    }))
    .filter((one) => one.clicks !== 0)
    .sort(
      (a, b) =>
        Number(b.verdict === "valid") - Number(a.verdict === "valid") ||
        Math.abs(b.clicks) - Math.abs(a.clicks),
    );
}

const clickWords = (verdict: string) =>
  verdict === "valid" ? "valid clicks" : causeWords(verdict).inSentence;

/** Clicks before what is not billed, the dearest first. */
export function inOrder(moved: VersionDiff["moved"]): VersionDiff["moved"] {
  const isClick = ({ eventType }: VersionDiff["moved"][number]) => Number(eventType === "click");
  const size = (micros: bigint) => (micros < 0n ? -micros : micros);
  return moved.toSorted(
    (a, b) =>
      isClick(b) - isClick(a) ||
      Number(size(b.costMicros) - size(a.costMicros)) ||
      Math.abs(b.events) - Math.abs(a.events),
  );
}

const CHANGED_WORDS: Readonly<Record<string, string>> = {
  code_version: "Another version of the counting program",
  time_zone: "The account's time zone was another",
  tzdata: "Another edition of the world's time zone rules",
  agent_libraries: "Other lists of known robots and browsers",
  datacenter_ranges_sha256: "Another list of data centre addresses",
};

/** What the later version was counted by that the earlier was not; never empty. */
export function changedInputs({
  added,
  removed,
  changed,
}: Pick<VersionDiff, "added" | "removed" | "changed">): string[] {
  const sentences = [
    ...ruleSentences(added.rules, removed.rules),
    ...added.decisions.map((id) => `Fraud decision ${id} now applies`),
    ...removed.decisions.map((id) => `Fraud decision ${id} no longer applies`),
    ...added.campaigns.map((id) =>
      removed.campaigns.includes(id)
        ? `Other rates or another history of campaign ${id}`
        : `Campaign ${id} was not known before`,
    ),
    ...removed.campaigns
      .filter((id) => !added.campaigns.includes(id))
      .map((id) => `Campaign ${id} is no longer part of the account`),
    ...fileSentence(added.objects.length, "more"),
    ...fileSentence(removed.objects.length, "fewer"),
    ...changed.map((input) => CHANGED_WORDS[input] ?? input),
  ];
  return sentences.length === 0 ? ["Both were counted by the same inputs"] : sentences;
}

function ruleSentences(added: readonly string[], removed: readonly string[]): string[] {
  const idOf = (rule: string) => rule.slice(0, rule.lastIndexOf("@"));
  const gone = new Map(removed.map((rule) => [idOf(rule), rule]));
  const come = new Set(added.map(idOf));
  return [
    ...added.map((rule) => {
      const before = gone.get(idOf(rule));
      return before === undefined || before === rule
        ? `Rule ${rule} now applies`
        : `Rule ${rule} in place of ${before}`;
    }),
    ...removed
      .filter((rule) => !come.has(idOf(rule)))
      .map((rule) => `Rule ${rule} no longer applies`),
  ];
}

function fileSentence(files: number, word: "more" | "fewer"): string[] {
  if (files === 0) return [];
  const why =
    word === "more"
      ? "events that came later, or merged files"
      : "their events were merged into others";
  return [`${formatCount(files)} ${word} archive ${files === 1 ? "file" : "files"}: ${why}`];
}
