/** What is asked: an address of the REST API, and the same of the peer in its SQL. */
import { DAY_MS } from "@trueclick/shared/time";
import { ADVERTISERS, HOT_DAYS, MINUTE_HOURS } from "./fill.ts";
import { STAFF_KEY, TENANT_KEY } from "./register.ts";

export interface Question {
  readonly name: string;
  readonly path: string;
  readonly key: string;
  /** Whether it is answered from what the stream writes to. */
  readonly isHot: boolean;
  /** The same of others or of other days, each asked once, by the staff: no answer of before serves. */
  readonly anew: readonly string[];
  /** Gives one row a row of the answer; its column `clicks` is compared. */
  readonly sql: string;
}

/** A week of the hot store may end so many days earlier. */
const DAYS_EARLIER_MAX = HOT_DAYS - 7;

const iso = (ms: number) => new Date(ms).toISOString();

/** The measures of truth; those of rejected clicks by verdict, as the API tells them. */
const TRUTH = `
  sum(CASE WHEN verdict = 'valid' AND event_type = 'click' THEN events END) AS clicks,
  sum(CASE WHEN event_type = 'click' AND verdict != 'duplicate' THEN events END) AS gross_clicks,
  sum(CASE WHEN event_type = 'click'
    AND verdict NOT IN ('duplicate', 'bot_user_agent', 'datacenter_ip') THEN events END) AS net_clicks,
  sum(CASE WHEN event_type = 'click' AND verdict = 'duplicate' THEN events END) AS duplicate_clicks,
  sum(CASE WHEN event_type = 'impression' THEN events END) AS impressions,
  sum(CASE WHEN event_type = 'conversion' THEN events END) AS conversions,
  sum(cost_micros) AS cost_micros`;

/** Truth by some columns, with exact users where they are asked for. */
function truthSql(columns: readonly string[], where: string, withUsers: boolean): string {
  const shown = columns.map((column) => (column === "day" ? DAY : column)).join(", ");
  const counts = `SELECT ${shown}, ${TRUTH} FROM cells WHERE ${where} GROUP BY ALL`;
  if (!withUsers) return counts;
  const users = `SELECT ${columns.join(", ")}, count(DISTINCT person) AS unique_users
    FROM (SELECT ${shown}, unnest(users) AS person FROM cells WHERE ${where}) GROUP BY ALL`;
  return `SELECT * FROM (${counts}) LEFT JOIN (${users}) USING (${columns.join(", ")})`;
}

/** The day of UTC, which is all advertisers' zone. */
const DAY = "billing_day AS day";

/**
 * The questions of a data set that ends with `endMs`. Of all advertisers' clicks ours leaves users out
 * (`USERS_UNITED_MAX`), and so does the peer.
 */
export function questionsOf(endMs: number, truthDays: number, withUsers: boolean): Question[] {
  const since = (days: number) => endMs - Math.min(days, truthDays) * DAY_MS;
  const range = (days: number, earlier = 0) =>
    `from=${iso(since(days) - earlier * DAY_MS)}&to=${iso(endMs - earlier * DAY_MS)}`;
  const others = (pathOf: (number: string) => string) =>
    Array.from({ length: ADVERTISERS - 1 }, (_none, at) => pathOf(String(at + 1).padStart(2, "0")));
  const earlier = (days: number, pathOf: (range: string) => string) =>
    Array.from({ length: DAYS_EARLIER_MAX }, (_none, at) => pathOf(range(days, at + 1)));
  const cells = (days: number) => `event_hour >= TIMESTAMP '${iso(since(days))}'`;
  const tenant = "advertiser_id = 'adv-00'";
  const drift = `from=${iso(endMs - 2 * DAY_MS)}&to=${iso(endMs - DAY_MS)}`;
  const questions: Omit<Question, "isHot">[] = [
    {
      name: "totals a day, 30 days, one advertiser",
      path: `/report?mode=billing&${range(30)}&granularity=day`,
      key: TENANT_KEY,
      anew: others(
        (adv) => `/report?mode=billing&${range(30)}&granularity=day&advertiser_id=adv-${adv}`,
      ),
      sql: truthSql(["day"], `${tenant} AND ${cells(30)}`, withUsers),
    },
    {
      name: "totals a day, 30 days, all advertisers",
      path: `/report?mode=billing&${range(30)}&granularity=day`,
      key: STAFF_KEY,
      anew: earlier(30, (days) => `/report?mode=billing&${days}&granularity=day`),
      sql: truthSql(["day"], cells(30), false),
    },
    {
      name: "by campaign, 30 days, one advertiser",
      path: `/report?mode=billing&${range(30)}&dimensions=campaign`,
      key: TENANT_KEY,
      anew: others(
        (adv) => `/report?mode=billing&${range(30)}&dimensions=campaign&advertiser_id=adv-${adv}`,
      ),
      sql: truthSql(["campaign_id"], `${tenant} AND ${cells(30)}`, withUsers),
    },
    {
      name: "by campaign, 30 days, all advertisers",
      path: `/report?mode=billing&${range(30)}&dimensions=campaign`,
      key: STAFF_KEY,
      anew: earlier(30, (days) => `/report?mode=billing&${days}&dimensions=campaign`),
      sql: truthSql(["campaign_id"], cells(30), false),
    },
    {
      name: "geo × device of a campaign, 90 days",
      path: `/report?mode=billing&${range(90)}&dimensions=geo,device&campaign_id=cmp-000`,
      key: TENANT_KEY,
      anew: others(
        (campaign) =>
          `/report?mode=billing&${range(90)}&dimensions=geo,device&campaign_id=cmp-0${campaign}`,
      ),
      sql: truthSql(
        ["geo", "device"],
        `${tenant} AND campaign_id = 'cmp-000' AND ${cells(90)}`,
        withUsers,
      ),
    },
    {
      name: "an hourly series, 7 days, one advertiser",
      path: `/report?mode=dashboard&${range(7)}&granularity=hour`,
      key: TENANT_KEY,
      anew: others(
        (adv) => `/report?mode=dashboard&${range(7)}&granularity=hour&advertiser_id=adv-${adv}`,
      ),
      sql: hotSql(since(7), endMs, tenant),
    },
    {
      name: "an hourly series, 7 days, all advertisers",
      path: `/report?mode=dashboard&${range(7)}&granularity=hour`,
      key: STAFF_KEY,
      anew: earlier(7, (days) => `/report?mode=dashboard&${days}&granularity=hour`),
      sql: hotSql(since(7), endMs, "true"),
    },
    {
      name: "drift of a campaign, one day",
      path: `/drift?${drift}&campaign_id=cmp-000`,
      key: STAFF_KEY,
      anew: others((campaign) => `/drift?${drift}&campaign_id=cmp-0${campaign}`),
      sql: driftSql(endMs),
    },
  ];
  return questions.map((question) => ({
    ...question,
    isHot: question.path.includes("mode=dashboard"),
  }));
}

/**
 * Hours and, where they are not rolled up yet, minutes; of each key the last version, as in ours.
 * Clicks of robots come from the evidence. The peer has no sketch that merges, so users are left out.
 */
function hotSql(fromMs: number, endMs: number, where: string): string {
  const rolled = `TIMESTAMP '${iso(endMs - MINUTE_HOURS * 3_600_000)}'`;
  const from = `TIMESTAMP '${iso(fromMs)}'`;
  const key = "advertiser_id, cube, campaign_id, dimension_value, partition";
  const maxima = [
    "clicks",
    "invalid_clicks",
    "duplicate_clicks",
    "impressions",
    "conversions",
    "cost_micros",
  ];
  const folded = maxima.map((column) => `max(${column}) AS ${column}`).join(", ");
  const sums = maxima.map((column) => `sum(${column}) AS ${column}`).join(", ");
  return `
    SELECT * FROM (
      SELECT hour, ${sums} FROM (
        SELECT ${key}, span_start AS hour, ${folded} FROM hot_hours
        WHERE ${where} AND cube = 'ad' AND span_start >= ${from} AND span_start < ${rolled}
        GROUP BY ALL
        UNION ALL
        SELECT ${key}, date_trunc('hour', window_start) AS hour, ${maxima.join(", ")} FROM (
          SELECT ${key}, window_start, ${folded} FROM hot_minutes
          WHERE ${where} AND cube = 'ad' AND window_start >= ${rolled} GROUP BY ALL)
      ) GROUP BY hour
    ) LEFT JOIN (
      SELECT event_hour AS hour, count(*) AS givt FROM stream_rejects
      WHERE ${where} AND event_hour >= ${from} AND event_type = 'click'
        AND verdict IN ('bot_user_agent', 'datacenter_ip')
      GROUP BY hour
    ) USING (hour)`;
}

/** Both sides by hour, and the cross-table of their evidence. */
function driftSql(endMs: number): string {
  const within = (column: string) =>
    `campaign_id = 'cmp-000' AND ${column} >= TIMESTAMP '${iso(endMs - 2 * DAY_MS)}'
      AND ${column} < TIMESTAMP '${iso(endMs - DAY_MS)}'`;
  return `
    SELECT hour, stream AS clicks, truth, causes FROM (
      SELECT event_hour AS hour, sum(events) AS truth FROM cells
      WHERE ${within("event_hour")} AND event_type = 'click' AND verdict = 'valid' GROUP BY hour
    ) JOIN (
      SELECT span_start AS hour, sum(clicks) AS stream FROM hot_hours
      WHERE ${within("span_start")} AND cube = 'ad' GROUP BY hour
    ) USING (hour) LEFT JOIN (
      SELECT hour, count(*) AS causes FROM (
        SELECT coalesce(s.event_hour, t.event_hour) AS hour, s.verdict AS reason, t.verdict AS verdict
        FROM (SELECT * FROM stream_rejects WHERE ${within("event_hour")}) s
        FULL JOIN (SELECT * FROM truth_rejects WHERE ${within("event_hour")}) t
          ON s.partition = t.partition AND s."offset" = t."offset"
      ) WHERE reason IS DISTINCT FROM verdict GROUP BY hour
    ) USING (hour)`;
}
