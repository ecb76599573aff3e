import type { IsoDay } from "@trueclick/shared/calendar";
import {
  type AdvertiserId,
  advertiserIdSchema,
  type CampaignId,
  campaignIdSchema,
} from "@trueclick/shared/ids";
import { UsageError } from "../terminal/errors.ts";
import { dayOption } from "../terminal/verbs.ts";

/** What is to be counted again. */
export interface VerifiedId {
  readonly advertiserId: AdvertiserId;
  readonly billingDay: IsoDay;
  /** Null for a whole partition. */
  readonly campaignId: CampaignId | null;
  /** Null for the current one. */
  readonly version: number | null;
}

const PATTERNS = {
  partition: /^(?<advertiser>.{1,64}?)\/(?<day>\d{4}-\d{2}-\d{2})(?:@(?<version>[1-9]\d{0,8}))?$/,
  line: /^(?<advertiser>.{1,64}?)\/(?<day>\d{4}-\d{2}-\d{2})\/(?<campaign>.{1,64}?)(?:@(?<version>[1-9]\d{0,8}))?$/,
} as const;

const SHAPES = {
  partition: "ADVERTISER/YYYY-MM-DD or ADVERTISER/YYYY-MM-DD@VERSION",
  line: "ADVERTISER/YYYY-MM-DD/CAMPAIGN or ADVERTISER/YYYY-MM-DD/CAMPAIGN@VERSION",
} as const;

/** @throws {UsageError} saying how an id of the kind looks. */
export function parseVerifiedId(kind: keyof typeof PATTERNS, id: string): VerifiedId {
  const { advertiser, day, campaign, version } = PATTERNS[kind].exec(id)?.groups ?? {};
  if (advertiser === undefined || !dayOption.safeParse(day).success || day === undefined) {
    throw new UsageError(`no ${kind}: ${id}; it must be ${SHAPES[kind]}`);
  }
  return {
    advertiserId: advertiserIdSchema.parse(advertiser),
    billingDay: day,
    campaignId: campaign === undefined ? null : campaignIdSchema.parse(campaign),
    version: version === undefined ? null : Number(version),
  };
}
