import type { InstantRange, IsoDay } from "@trueclick/shared/calendar";
import type { AdvertiserId, CampaignId } from "@trueclick/shared/ids";
import type { Rate } from "@trueclick/shared/pricing";
import { disclosureOfRule, type RuleInForce } from "@trueclick/shared/verdict/rules";
import { attributionJson, type PinnedAttribution } from "./attribution.ts";
import type { Canonical } from "./canonicalJson.ts";
import type { PinnedDecision } from "./decisions.ts";

/** A campaign as it is at the time of pinning. */
export interface PinnedCampaign {
  readonly id: CampaignId;
  /** Inclusive, epoch milliseconds; null while it has always run. */
  readonly startsMs: number | null;
  /** Exclusive, epoch milliseconds; null while it has no planned end. */
  readonly endsMs: number | null;
  /** Sorted by `effectiveFromMs`, ascending. */
  readonly rates: readonly Rate[];
  /** When it was paused and went on, by `effectiveFromMs`, ascending; active before the first. */
  readonly statuses: readonly { readonly effectiveFromMs: number; readonly active: boolean }[];
  /** From when on its clicks need an impression, by `effectiveFromMs`, ascending; not before the first. */
  readonly requirements: readonly {
    readonly effectiveFromMs: number;
    readonly required: boolean;
  }[];
}

export interface ObjectIdentity {
  readonly path: string;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly rows: number;
}

export interface PinnedObject extends ObjectIdentity {
  readonly eventHourMs: number;
  /**
   * The objects from the log that it was compacted from, as far as they are inputs; none of one
   * that is from the log itself. They stand for it in the hash of all inputs, so that a compaction, which
   * changes no event, changes no input.
   */
  readonly sources?: readonly ObjectIdentity[];
}

/** Everything that a truth partition is a function of (invariant I5). */
export interface PinnedInputs {
  readonly advertiserId: AdvertiserId;
  readonly billingDay: IsoDay;
  readonly currency: string;
  readonly timeZone: string;
  /** Version of the time zone database that gave the bounds. */
  readonly tzdata: string;
  readonly bounds: InstantRange;
  readonly codeVersion: string;
  /** The rules in force at the events that the job looks at, in the order of the first match. */
  readonly rules: readonly RuleInForce[];
  /** Fraud decisions that may touch an event that the job looks at, by id. */
  readonly decisions: readonly PinnedDecision[];
  /** Names and versions of the libraries that tell robots and browsers by their user agent. */
  readonly agentLibraries: string;
  /** SHA-256 of the file of data-centre ranges; null without one. */
  readonly datacenterRangesSha256: string | null;
  /** All campaigns of the advertiser, by id. */
  readonly campaigns: readonly PinnedCampaign[];
  /** The archive objects of the event hours that the day touches, by path. */
  readonly objects: readonly PinnedObject[];
  /** Objects of the hour after the day: a double click is told from the click that follows it. */
  readonly following: readonly PinnedObject[];
  /**
   * Objects that hold copies of ids, or uses of tokens, which came with more than one event hour, at
   * least one of them touched by the day. By path; those of the day's own hours are in `objects` as well.
   */
  readonly copies: readonly PinnedObject[];
  /** Objects of the hours before that impressions of its clicks may lie in, where some need one. */
  readonly preceding: readonly PinnedObject[];
  /** How many hours before, as rules and campaigns have it; 0 where none needs one. */
  readonly precedingHours: number;
  /** What its conversions are credited by. Pinned once the day is judged and has conversions. */
  readonly attribution?: PinnedAttribution;
}

/** What a job keeps beside its objects, in words that the audit page shows. */
export function inputsJson(inputs: PinnedInputs): Canonical {
  return {
    advertiser_id: inputs.advertiserId,
    billing_day: inputs.billingDay,
    currency: inputs.currency,
    time_zone: inputs.timeZone,
    tzdata: inputs.tzdata,
    from_ms: inputs.bounds.fromMs,
    to_ms: inputs.bounds.toMs,
    code_version: inputs.codeVersion,
    rules: inputs.rules.map(ruleJson),
    decisions: inputs.decisions.map(({ id, scope, fromMs, toMs }) => {
      return { id, scope: { ...scope }, from_ms: fromMs, to_ms: toMs };
    }),
    agent_libraries: inputs.agentLibraries,
    datacenter_ranges_sha256: inputs.datacenterRangesSha256,
    campaigns: campaignsJson(inputs.campaigns),
    following: objectsJson(inputs.following),
    copies: objectsJson(inputs.copies),
    ...(inputs.preceding.length > 0 && { preceding: objectsJson(inputs.preceding) }),
    ...(inputs.attribution && { attribution: attributionJson(inputs.attribution) }),
  };
}

/** The value whose hash stands for all inputs. */
export function hashedInputs(inputs: PinnedInputs): {
  readonly inputs: Canonical;
  readonly objects: Canonical;
} {
  return { inputs: inputsJson(inputs), objects: objectsJson(inputs.objects) };
}

function ruleJson({ id, version, parameters, fromMs, toMs }: RuleInForce): Canonical {
  return {
    id,
    version,
    parameters: { ...parameters },
    from_ms: fromMs,
    to_ms: toMs,
    disclosure: disclosureOfRule(id),
  };
}

/** Made once of what many slices of a day share. */
const jsonOfCampaigns = new WeakMap<readonly PinnedCampaign[], readonly Canonical[]>();

function campaignsJson(campaigns: readonly PinnedCampaign[]): readonly Canonical[] {
  const json = jsonOfCampaigns.get(campaigns) ?? campaigns.map(campaignJson);
  jsonOfCampaigns.set(campaigns, json);
  return json;
}

function campaignJson(campaign: PinnedCampaign): Canonical {
  const { id, startsMs, endsMs, rates, statuses, requirements } = campaign;
  return {
    id,
    starts_ms: startsMs,
    ends_ms: endsMs,
    rates: rates.map(({ effectiveFromMs, cpcMicros }) => ({
      effective_from_ms: effectiveFromMs,
      cpc_micros: cpcMicros.toString(),
    })),
    statuses: statuses.map(({ effectiveFromMs, active }) => {
      return { effective_from_ms: effectiveFromMs, active };
    }),
    requires_impression: requirements.map(({ effectiveFromMs, required }) => {
      return { effective_from_ms: effectiveFromMs, required };
    }),
  };
}

function objectsJson(objects: readonly PinnedObject[]): Canonical {
  return objects
    .flatMap((object): readonly ObjectIdentity[] => object.sources ?? [object])
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ path, sha256, rows }) => ({ path, sha256, rows }));
}
