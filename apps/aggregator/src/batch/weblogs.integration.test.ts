import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { NOON_MS, storedEvent } from "@trueclick/archive/testing/storedEvents";
import { dayOf } from "@trueclick/shared/calendar";
import { parseIp, toIpNetwork } from "@trueclick/shared/ip/address";
import { DAY_MS, HOUR_MS } from "@trueclick/shared/time";
import { describe, expect, it } from "vitest";
import { readDatacenterRanges } from "./adapters/datacenterRanges.ts";
import { openBatchWorld } from "./testing/batchWorld.ts";

/** Requests of attackers only, and ranges of data centres; beside the project where they are given. */
const DATA = fileURLToPath(new URL("../../../../../shared/data/", import.meta.url));
const LOG = `${DATA}weblogs/hackers-access.log.gz`;

interface Row {
  readonly host: string;
  readonly timeMs: number;
  readonly section: string;
  readonly agent: string;
}

function rowsOfLog(): Row[] {
  const lines = gunzipSync(readFileSync(LOG)).toString("utf8").trim().split("\n");
  return lines.flatMap((line): Row[] => {
    const found = /^(\S+) .*?\[(.*?)\] "(.*?)" \d{3} (?:\d+|-) ".*?" "(.*?)"?$/.exec(line);
    const [, host = "", time = "", request = "", agent = ""] = found ?? [];
    const path = (request.split(" ")[1] ?? "").replace(/[?#].*$/, "").replace(/^\/+/, "");
    const section = path.includes("/") ? (path.split("/")[0] ?? "") : "root";
    const timeMs = Date.parse(time.replaceAll("/", " ").replace(":", " "));
    return found === null ? [] : [{ host, timeMs, section, agent }];
  });
}

describe.runIf(existsSync(LOG))("the log of attackers", () => {
  // None of them says that it is a robot. What lists of user agents do not see, rules must.
  it("ends with a reasoned verdict on most rows, though no user agent tells", async () => {
    const ranges = await readDatacenterRanges(`${DATA}ip/ipcat_datacenters.csv`);
    const world = await openBatchWorld(undefined, ranges);
    try {
      await world.addAdvertiser("adv_1", {
        timeZone: "UTC",
        campaigns: [{ id: "cmp_1", rates: [[0, 1n]] }],
      });
      const rows = rowsOfLog();
      const last = Math.max(...rows.map(({ timeMs }) => timeMs));
      const shiftMs = Math.floor((NOON_MS - last) / DAY_MS) * DAY_MS;
      const events = rows.map(({ host, timeMs, section, agent }, at) => {
        const ip = parseIp(host);
        return storedEvent({
          event_id: `attack-${String(at).padStart(5, "0")}`,
          event_time: timeMs + shiftMs,
          ad_id: section.slice(0, 64) || "none",
          user_id: undefined,
          user_agent: agent,
          ip_hash: host,
          ip_net: ip === null ? undefined : toIpNetwork(ip),
        });
      });
      await world.archive.append(events, last + shiftMs + HOUR_MS);
      await world.archive.archiveAll();
      const counts = new Map<string, number>();
      for (const day of new Set(events.map((event) => dayOf(event.event_time, "UTC")))) {
        await world.recount("adv_1", day);
        const { verdictCounts = {} } = (await world.current("adv_1", day)) ?? {};
        for (const [verdict, clicks] of Object.entries(verdictCounts)) {
          counts.set(verdict, (counts.get(verdict) ?? 0) + clicks);
        }
      }
      expect(events).toHaveLength(3_456);
      // The known answer: told by networks alone, since an archive has no addresses.
      expect(counts.get("datacenter_ip")).toBe(1_320);
      expect(counts.get("double_click")).toBeGreaterThan(1_000);
      expect(counts.get("bot_user_agent") ?? 0).toBe(0);
      expect(counts.get("valid")).toBeLessThan(events.length / 2);
    } finally {
      await world.close();
    }
  }, 240_000);
});
