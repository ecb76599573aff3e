import type { InstantRange, IsoDay } from "@trueclick/shared/calendar";
import type { AdvertiserId, CampaignId } from "@trueclick/shared/ids";
import type { Rate } from "@trueclick/shared/pricing";
import type { Canonical } from "./canonicalJson.ts";
import type { RuleSet } from "./rules.ts";

/** A campaign as it is at the time of pinning. */
export interface PinnedCampaign {
  readonly id: CampaignId;
  /** Inclusive, epoch milliseconds; null while it has always run. */
  readonly startsMs: number | null;
  /** Exclusive, epoch milliseconds; null while it has no planned end. */
  readonly endsMs: number | null;
  /** Sorted by `effectiveFromMs`, ascending. */
  readonly rates: readonly Rate[];
}

export interface PinnedObject {
  readonly path: string;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly rows: number;
  readonly eventHourMs: number;
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
  readonly ruleSet: RuleSet;
  /** All campaigns of the advertiser, by id. */
  readonly campaigns: readonly PinnedCampaign[];
  /** The archive objects of the event hours that the day touches, by path. */
  readonly objects: readonly PinnedObject[];
  /**
   * Objects that hold copies of ids which came with more than one event hour, at least one of them
   * touched by the day. By path; those of the day's own hours are in `objects` as well.
   */
  readonly copies: readonly PinnedObject[];
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
    rule_set: {
      id: inputs.ruleSet.id,
      version: inputs.ruleSet.version,
      rules: inputs.ruleSet.rules.map(({ id, version, verdict, disclosure }) => {
        return { id, version, verdict, disclosure };
      }),
    },
    campaigns: inputs.campaigns.map(({ id, startsMs, endsMs, rates }) => ({
      id,
      starts_ms: startsMs,
      ends_ms: endsMs,
      rates: rates.map(({ effectiveFromMs, cpcMicros }) => ({
        effective_from_ms: effectiveFromMs,
        cpc_micros: cpcMicros.toString(),
      })),
    })),
    copies: inputs.copies.map(objectJson),
  };
}

/** The value whose hash stands for all inputs. */
export function hashedInputs(inputs: PinnedInputs): Canonical {
  return { inputs: inputsJson(inputs), objects: inputs.objects.map(objectJson) };
}

function objectJson({ path, sha256, rows }: PinnedObject): Canonical {
  return { path, sha256, rows };
}
