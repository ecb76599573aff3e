import { z } from "zod";

const text = z.string().nullish();
const bytes = z.instanceof(Uint8Array);

/** A row as an object holds it, whichever version of this program wrote it. */
export const storedRowSchema = z.object({
  partition: z.number(),
  offset: z.bigint(),
  index: z.number(),
  append_time: z.date(),
  unparseable: z.boolean(),
  schema_version: z.number().nullish(),
  event_type: text,
  event_id: text,
  event_id128: bytes.nullish(),
  event_time: z.date().nullish(),
  ingest_time: z.date().nullish(),
  campaign_id: text,
  ad_id: text,
  publisher_id: text,
  user_id: text,
  geo: text,
  device: text,
  user_agent: text,
  ip_hash: text,
  ip_net: text,
  impression_id: text,
  click_id: text,
  conversion_value_micros: z.bigint().nullish(),
  token: text,
  test: z.boolean().nullish(),
  region: text,
  source_id: text,
  flags: text,
  ext: text,
  line: bytes,
});
export type StoredRow = z.infer<typeof storedRowSchema>;
