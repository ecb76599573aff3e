/** Identifiers, branded so that one kind cannot be handed over as another. */
import { z } from "zod";

/** Longest identifier of a campaign, an ad or a publisher, in UTF-16 code units. */
export const ENTITY_ID_LENGTH_MAX = 64;
const entityId = z.string().min(1).max(ENTITY_ID_LENGTH_MAX);

export const advertiserIdSchema = entityId.brand<"AdvertiserId">();
export type AdvertiserId = z.infer<typeof advertiserIdSchema>;

export const campaignIdSchema = entityId.brand<"CampaignId">();
export type CampaignId = z.infer<typeof campaignIdSchema>;

export const adIdSchema = entityId.brand<"AdId">();
export type AdId = z.infer<typeof adIdSchema>;

export const publisherIdSchema = entityId.brand<"PublisherId">();
export type PublisherId = z.infer<typeof publisherIdSchema>;

export const sourceIdSchema = entityId.brand<"SourceId">();
export type SourceId = z.infer<typeof sourceIdSchema>;

/** Shortest and longest event id. */
export const EVENT_ID_LENGTH_MIN = 8;
export const EVENT_ID_LENGTH_MAX = 64;
/** Stable across the retries of one event; the dedupe key. */
export const EVENT_ID_PATTERN = /^[A-Za-z0-9_.:-]{8,64}$/;
export const eventIdSchema = z.string().regex(EVENT_ID_PATTERN).brand<"EventId">();
export type EventId = z.infer<typeof eventIdSchema>;
