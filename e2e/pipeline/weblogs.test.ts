import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { isbot } from "isbot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reportByCampaign } from "../support/api.ts";
import { type Stack, startStack } from "../support/stack.ts";

/** Real traffic of others, which lies beside the project where it is given. */
const WEBLOGS = fileURLToPath(new URL("../../../shared/data/weblogs/", import.meta.url));
const DAY_MS = 86_400_000;

/**
 * `robots` is what `isbot` finds, the known answer of the data: 3,009 in the second log, and one
 * more in its only line that was cut off before the last quote.
 */
const LOGS = [
  { file: "hackers-access.log.gz", prefix: "hackers-", rows: 3_456, robots: 0, strangers: 0 },
  {
    file: "elastic_apache_logs.txt.gz",
    prefix: "elastic-",
    rows: 10_000,
    robots: 3_010,
    strangers: 49,
  },
];

/** The 49 rows of these logs that are of no browser and of no robot that says so. */
const NOT_A_BROWSER = /^(Mobile)?Safari\/|^Dalvik|^QS304 |^Micromax X351\/|^ELinks|^&/;
const DOUBLE_CLICK_S = 30;
const CLICKS_PER_MINUTE_MAX = 10;

/** What is left to bill of a log's people, by the rules' published words and none of our code. */
function billable(file: string): number {
  const lines = gunzipSync(readFileSync(join(WEBLOGS, file)))
    .toString("utf8")
    .trim()
    .split("\n");
  const rows = lines.flatMap((line) => {
    const found = /^(\S+) .*?\[(.*?)\] ".*" (\d{3}) (?:\d+|-) ".*?" "(.*?)"?$/.exec(line);
    const [, host = "", time = "", status = "", agent = ""] = found ?? [];
    const at = Date.parse(time.replaceAll("/", " ").replace(":", " ")) / 1_000;
    return found === null ? [] : [{ person: `${host} ${agent}`, at, status, agent }];
  });
  const minuteOf = (row: (typeof rows)[number]) => `${row.person} ${Math.floor(row.at / 60)}`;
  const byMinute = Map.groupBy(rows, minuteOf);
  const good = rows.filter(({ agent }) => !isbot(agent) && !NOT_A_BROWSER.test(agent));
  const pairs = Map.groupBy(good, ({ person, status }) => `${person} ${status}`);
  const last = [...pairs.values()].flatMap((pair) => {
    const sorted = pair.toSorted((a, b) => a.at - b.at);
    return sorted.filter((row, index) => {
      return (sorted[index + 1]?.at ?? Number.POSITIVE_INFINITY) - row.at > DOUBLE_CLICK_S;
    });
  });
  return last.filter((row) => (byMinute.get(minuteOf(row)) ?? []).length <= CLICKS_PER_MINUTE_MAX)
    .length;
}

/** Rows by HTTP status, read off the text without any of our code. */
function rowsByStatus(file: string, prefix: string): [string, number][] {
  const text = gunzipSync(readFileSync(join(WEBLOGS, file))).toString("utf8");
  const counts = new Map<string, number>();
  for (const [, status] of text.matchAll(/^.*" (\d{3}) (?:\d+|-) ".*$/gm)) {
    const campaign = `${prefix}${status}`;
    counts.set(campaign, (counts.get(campaign) ?? 0) + 1);
  }
  return sorted(counts);
}

const sorted = (counts: ReadonlyMap<string, number>) =>
  [...counts].sort(([a], [b]) => a.localeCompare(b));

describe.runIf(existsSync(WEBLOGS))("real web logs, a line a click", () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({ args: ["--no-history"] });
  });
  afterAll(() => stack?.stop());

  async function ok(...args: string[]): Promise<void> {
    const { code, stdout, stderr } = await stack.cli(...args, "--json");
    expect({ args, code, stdout, stderr }).toMatchObject({ code: 0 });
  }

  async function billed(prefix: string) {
    const range = { fromMs: Date.now() - 10 * DAY_MS, toMs: Date.now() };
    const rows = await reportByCampaign(stack.demo, { mode: "billing", ...range });
    const own = rows.filter(({ campaign }) => campaign?.startsWith(prefix));
    return {
      gross: sorted(new Map(own.map((row) => [row.campaign ?? "", row.gross_clicks]))),
      net: own.reduce((sum, row) => sum + (row.net_clicks ?? 0), 0),
      clicks: own.reduce((sum, row) => sum + row.clicks, 0),
    };
  }

  it.each(LOGS)("bills $file as a plain count of its text does", async (log) => {
    const events = join(stack.dataDir, `${log.prefix}events.ndjson`);
    const campaigns = join(stack.dataDir, `${log.prefix}campaigns.csv`);
    const mapping = ["--campaign-by", "status", "--prefix", log.prefix, "--shift-to", "now"];
    const files = ["--out", events, "--campaigns", campaigns];
    await ok("events", "from-weblog", join(WEBLOGS, log.file), ...mapping, ...files);
    await ok("campaigns", "import", campaigns);
    await ok("events", "send", events);
    await ok("batch", "run");

    const expected = rowsByStatus(log.file, log.prefix);
    expect(expected.reduce((sum, [, rows]) => sum + rows, 0)).toBe(log.rows);
    const first = await billed(log.prefix);
    const net = log.rows - log.robots - log.strangers;
    expect(first).toEqual({ gross: expected, net, clicks: billable(log.file) });

    // The same file again.
    await ok("events", "send", events);
    await ok("batch", "run");
    expect(await billed(log.prefix)).toEqual(first);
  });
});
