/** A valid click, with what a test wants otherwise. */
export function click(nowMs: number, change: Readonly<Record<string, unknown>> = {}) {
  return {
    schema_version: 1,
    event_type: "click",
    event_id: "evt_00000001",
    event_time: new Date(nowMs).toISOString(),
    campaign_id: "cmp_1",
    ad_id: "ad_1",
    publisher_id: "pub_1",
    ...change,
  };
}
