/** What is sent: clicks of 13 fields, about 376 bytes each, and one of 1 KB. */
import { randomUUID } from "node:crypto";

const COUNTRIES = ["US", "GB", "DE", "FR", "IN", "BR", "JP", "CA", "AU", "MX", "NL", "SE"];
const DEVICES = ["mobile", "desktop", "tablet", "tv"];
const PAGE_BYTES = 590;

function pick<T>(values: readonly T[], fallback: T): T {
  return values[Math.floor(Math.random() * values.length)] ?? fallback;
}

const padded = (max: number, digits: number) =>
  String(Math.floor(Math.random() ** 3 * max)).padStart(digits, "0");

function click(nowMs: number) {
  return {
    ...{ schema_version: 1, event_type: "click", event_id: randomUUID() },
    event_time: nowMs - Math.floor(Math.random() * 3_600_000),
    ...{ campaign_id: `cmp_${padded(1_000, 6)}`, ad_id: `ad_${padded(10_000, 8)}` },
    ...{ publisher_id: `pub_${padded(500, 5)}`, geo: pick(COUNTRIES, "US") },
    ...{ device: pick(DEVICES, "mobile"), user_id: `u_${Math.floor(Math.random() * 5e6)}` },
    ...{ impression_id: randomUUID(), cost_micros: Math.floor(Math.random() * 2e6) },
    token: `v1.${Buffer.from(randomUUID()).toString("base64url").slice(0, 43)}`,
  };
}

/** A batch as one body; a single event is one of 1 KB. */
export function bodyOf(events: number, nowMs: number): Buffer {
  if (events > 1) {
    const batch = Array.from({ length: events }, () => click(nowMs));
    return Buffer.from(JSON.stringify({ events: batch }));
  }
  const page = `https://news.example.com/a/${"x".repeat(PAGE_BYTES)}`;
  return Buffer.from(JSON.stringify({ ...click(nowMs), ext: { page } }));
}

/** Events as lines, for producers that are not asked to check them. */
export function clickLines(events: number, nowMs: number): readonly string[] {
  return Array.from({ length: events }, () => JSON.stringify(click(nowMs)));
}
