import type { StreamEvent } from "./streamEvent.ts";

const MIX_A = 0x9e3779b1;
const MIX_B = 0x5f356495;

/**
 * A hash of what the sender said, 53 bits: equal for a retry, different for another event under the
 * same id. What the edge stamps, or derives from a connection that a retry may not share (geo,
 * device, flags), is left out.
 *
 * It only tells `duplicate` from `id_conflict` among copies of one id, and neither is counted, so
 * that a collision, even a forged one, moves no count. The mixing is that of cyrb53 (public domain).
 */
export function payloadHash(event: StreamEvent): number {
  const { eventType, eventTimeMs, campaignId, adId, publisherId, userId } = event;
  const said = JSON.stringify([eventType, eventTimeMs, campaignId, adId, publisherId, userId]);
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let i = 0; i < said.length; i += 1) {
    const unit = said.charCodeAt(i);
    high = Math.imul(high ^ unit, MIX_A);
    low = Math.imul(low ^ unit, MIX_B);
  }
  high = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35);
  low = Math.imul(low ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35);
  // 21 bits above 32: the most that a double holds exactly.
  return 2 ** 32 * (high >>> 11) + (low >>> 0);
}
