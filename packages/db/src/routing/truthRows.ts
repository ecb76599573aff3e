import { measuredRowSchema } from "./measures.ts";

/** A row of a report from truth, as ClickHouse tells it. */
export const truthRowSchema = measuredRowSchema
  .omit({ geo: true, device: true, cost_micros: true })
  .extend({
    geo_value: measuredRowSchema.shape.geo,
    device_value: measuredRowSchema.shape.device,
    cost: measuredRowSchema.shape.cost_micros,
  })
  .transform(({ geo_value, device_value, cost, ...row }) => ({
    ...row,
    geo: geo_value,
    device: device_value,
    cost_micros: cost,
  }));
