/** What truth must say of events, worked out naively and without looking at the SQL. */
import type { StoredEvent } from "@trueclick/shared/event/stored";
import { rateAt } from "@trueclick/shared/pricing";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import { quickVerdict } from "@trueclick/shared/verdict";
import type { CampaignSeed } from "./batchWorld.ts";

export interface OracleDecision {
  readonly fields: Partial<StoredEvent>;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface OracleWorld {
  /** No two events of one ingest time: then it alone says which copy is first. */
  readonly sent: readonly StoredEvent[];
  readonly campaigns: readonly CampaignSeed[];
  readonly decisions: readonly OracleDecision[];
  /** What is no browser, by user agent; robots are told by their flag. */
  readonly notBrowsers: ReadonlySet<string>;
  readonly doubleClickSecondsAt: (eventTimeMs: number) => number;
  /** Most clicks of a person in a minute that are believed. */
  readonly clicksPerMinuteMax: number;
}

/** Every event of the campaigns in a day with its verdict. */
export function oracleVerdicts(world: OracleWorld, day: { fromMs: number; toMs: number }) {
  const known = new Map(world.campaigns.map((campaign) => [campaign.id, campaign]));
  const own = world.sent
    .filter(({ campaign_id }) => known.has(campaign_id ?? ""))
    .sort((a, b) => a.ingest_time - b.ingest_time);
  const firsts = new Map<string, StoredEvent>();
  for (const event of own) {
    if (!firsts.has(event.event_id)) firsts.set(event.event_id, event);
  }

  const uses = firstUses(own, world);
  const judged = own.map((event) => {
    const first = firsts.get(event.event_id) ?? event;
    const campaign = known.get(event.campaign_id ?? "") ?? { id: "", rates: [] };
    const itself = verdictByItself(event, campaign, world);
    const isAlone = isReplayed(event, uses) || (needsOne(event, campaign) && !wasShown(event, own));
    const alone = itself === "valid" && isAlone ? "unlinked" : itself;
    const verdict = first === event ? alone : verdictOfCopy(event, first);
    return { event, campaign, verdict };
  });
  const candidates = judged
    .filter(({ event, verdict }) => verdict === "valid" && event.event_type === "click")
    .map(({ event }) => event)
    .sort((a, b) => a.event_time - b.event_time || a.ingest_time - b.ingest_time);

  return judged
    .map((one) => {
      const verdict =
        one.verdict === "valid" ? verdictByOthers(one.event, candidates, own, world) : one.verdict;
      return { ...one, verdict };
    })
    .filter(({ event }) => event.event_time >= day.fromMs && event.event_time < day.toMs);
}

/** Lines and rejects of a day. */
export function oracleTruth(world: OracleWorld, day: { fromMs: number; toMs: number }) {
  const judged = oracleVerdicts(world, day);
  const byCampaign = [...Map.groupBy(judged, ({ campaign }) => campaign.id)].sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
  const lines = byCampaign.map(([id, events]) => {
    const billed = events.filter(
      ({ event, verdict }) => verdict === "valid" && event.event_type === "click",
    );
    const users = new Set(billed.flatMap(({ event }) => event.user_id ?? []));
    const costs = billed.map(({ event, campaign }) => priceOf(event, campaign));
    return [id, BigInt(billed.length), costs.reduce((sum, cost) => sum + cost, 0n), users.size];
  });
  const rejects = judged.filter(({ verdict }) => verdict !== "valid");
  return {
    lines,
    rejects: rejects.map(({ event, verdict }) => `${event.event_id} ${verdict}`).sort(),
  };
}

function priceOf(event: StoredEvent, { rates }: CampaignSeed): bigint {
  const sorted = rates.map(([effectiveFromMs, cpcMicros]) => ({ effectiveFromMs, cpcMicros }));
  return rateAt(sorted, event.event_time)?.cpcMicros ?? 0n;
}

function verdictOfCopy(copy: StoredEvent, first: StoredEvent): string {
  const said = ({
    event_type,
    event_time,
    campaign_id,
    ad_id,
    publisher_id,
    user_id,
  }: StoredEvent) =>
    JSON.stringify([event_type, event_time, campaign_id, ad_id, publisher_id, user_id]);
  return said(copy) === said(first) ? "duplicate" : "id_conflict";
}

/** The verdict for which no other event is needed. */
function verdictByItself(event: StoredEvent, campaign: CampaignSeed, world: OracleWorld): string {
  const flags = event.flags.filter(
    (flag) => flag !== "bot_user_agent" || event.user_agent === undefined,
  );
  const { test = false } = event;
  const quick = quickVerdict({ test, campaignKnown: true, flags });
  const isStranger = world.notBrowsers.has(event.user_agent ?? "");
  if (isStranger && quick !== "test" && quick !== "bot_user_agent") return "not_a_browser";
  if (quick !== "valid") return quick;

  const { startsMs = 0, endsMs = Number.POSITIVE_INFINITY, pauses = [] } = campaign;
  const time = event.event_time;
  const isPaused = pauses.some(([fromMs, toMs]) => time >= fromMs && time < toMs);
  if (time < startsMs || time >= endsMs || isPaused) return "inactive_campaign";
  const met = world.decisions.filter(
    ({ fields, fromMs, toMs }) =>
      time >= fromMs &&
      time < toMs &&
      Object.entries(fields).every(([name, value]) =>
        Object.entries(event).some(([n, v]) => n === name && v === value),
      ),
  );
  const isPublisher = ({ fields }: OracleDecision) => Object.keys(fields).join() === "publisher_id";
  if (met.some(isPublisher)) return "publisher_blocked";
  return met.length > 0 ? "manual" : "valid";
}

const tokenOf = ({ event_type, flags, impression_id, ad_id }: StoredEvent) =>
  event_type === "click" && flags.includes("token_ok") ? `${impression_id} / ${ad_id}` : undefined;

const NO_USE = ["test", "bot_user_agent", "not_a_browser", "datacenter_ip", "prefetch"];

/** Who used a token up: the first to come that is neither a robot nor a test. */
function firstUses(own: readonly StoredEvent[], world: OracleWorld): Map<string, StoredEvent> {
  const uses = new Map<string, StoredEvent>();
  for (const event of own) {
    const token = tokenOf(event);
    if (token === undefined || uses.has(token)) continue;
    if (NO_USE.includes(verdictByItself(event, { id: "", rates: [] }, world))) continue;
    uses.set(token, event);
  }
  return uses;
}

function isReplayed(event: StoredEvent, uses: ReadonlyMap<string, StoredEvent>): boolean {
  const first = uses.get(tokenOf(event) ?? "");
  return (
    first !== undefined &&
    first.ingest_time < event.ingest_time &&
    first.event_id !== event.event_id
  );
}

function needsOne({ event_type, event_time }: StoredEvent, { requirements = [] }: CampaignSeed) {
  const begun = requirements.filter(([fromMs]) => fromMs <= event_time);
  return event_type === "click" && begun.at(-1)?.[1] === true;
}

/** Whether an impression came for the click within a day before it. */
function wasShown(click: StoredEvent, own: readonly StoredEvent[]): boolean {
  return own.some((shown) => {
    const sinceMs = click.event_time - shown.event_time;
    const isSameUser = [click.user_id, undefined].includes(shown.user_id);
    return (
      shown.event_type === "impression" &&
      shown.test !== true &&
      shown.campaign_id === click.campaign_id &&
      shown.ad_id === click.ad_id &&
      (shown.impression_id ?? shown.event_id) === click.impression_id &&
      (isSameUser || click.user_id === undefined) &&
      sinceMs >= 0 &&
      sinceMs <= LOOKBACK_HOURS * HOUR_MS
    );
  });
}

const LOOKBACK_HOURS = 24;

const personOf = ({ user_id, ip_hash, user_agent }: StoredEvent) =>
  user_id ?? (ip_hash === undefined ? undefined : `${ip_hash} / ${user_agent ?? ""}`);

/** The verdict on a click that is good by itself. */
function verdictByOthers(
  event: StoredEvent,
  candidates: readonly StoredEvent[],
  own: readonly StoredEvent[],
  { doubleClickSecondsAt, clicksPerMinuteMax }: OracleWorld,
): string {
  const person = personOf(event);
  if (event.event_type !== "click" || person === undefined) return "valid";

  const next = candidates
    .slice(candidates.indexOf(event) + 1)
    .find(
      (other) =>
        personOf(other) === person &&
        other.ad_id === event.ad_id &&
        other.campaign_id === event.campaign_id,
    );
  const gapMs = next === undefined ? Number.POSITIVE_INFINITY : next.event_time - event.event_time;
  if (gapMs <= doubleClickSecondsAt(event.event_time) * SECOND_MS) return "double_click";

  const minute = Math.floor(event.event_time / MINUTE_MS);
  const ids = own
    .filter((other) => other.event_type === "click" && other.test !== true)
    .filter((other) => personOf(other) === person)
    .filter((other) => Math.floor(other.event_time / MINUTE_MS) === minute)
    .map(({ event_id }) => event_id);
  return new Set(ids).size > clicksPerMinuteMax ? "velocity" : "valid";
}
