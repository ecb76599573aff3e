import { hash } from "node:crypto";
import { readFile } from "node:fs/promises";

const START_MS = Date.UTC(2026, 5, 1, 12);
const HOUR_MS = 3_600_000;
const AGENTS = [17, 18, 19].flatMap((major) =>
  ["iPhone; CPU iPhone OS", "Linux; Android", "Windows NT", "Macintosh; Intel Mac OS X"].map(
    (system) => `Mozilla/5.0 (${system} ${major}_2) AppleWebKit/605.1.15 (KHTML, like Gecko)`,
  ),
);

/** Hex digits that are the same at every run and look like any others. */
const hex = (seed: string, digits: number) => hash("sha256", seed).slice(0, digits);

/** Stored events as the edge writes them: ids that do not compress, users that come back. */
export function makeLines(events: number): string[] {
  return Array.from({ length: events }, (_, at) => {
    const user = Math.floor((at * 7_919) % (events / 3));
    const eventTime = START_MS + Math.floor((at / events) * HOUR_MS);
    return JSON.stringify({
      ...{ schema_version: 1, event_type: "click", event_id: hex(`event ${at}`, 32) },
      ...{ event_time: eventTime, ingest_time: eventTime + 40 + (at % 91) },
      ...{ campaign_id: `cmp_${(at * 31) % 500}`, ad_id: `ad_${(at * 131) % 3_000}` },
      ...{ publisher_id: `pub_${(at * 17) % 200}`, user_id: `u_${hex(`user ${user}`, 16)}` },
      ...{ geo: ["DE", "FR", "US", "NP"][at % 4], device: at % 3 === 0 ? "desktop" : "mobile" },
      ...{ user_agent: AGENTS[user % AGENTS.length], ip_hash: hex(`ip ${user}`, 32) },
      ...{ ip_net: `10.${user % 250}.${user % 7}.0/24`, region: "eu-1", source_id: "src_demo" },
      flags: ["token_absent"],
    });
  });
}

const TICKS_PER_SECOND = 100;

/** User and system time that a process has used, all of its threads together. */
export async function cpuSecondsOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8");
  // Behind the name, which may have spaces in it, the 12th and 13th word.
  const words = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(words[11]) + Number(words[12])) / TICKS_PER_SECOND;
}
