-- Whole days of truth by campaign, country and device, in place of `truth_day_slices`: each column, and each part
-- that holds rows of a campaign, takes a report longer than the rows do (decision 0158). A part for each month of a
-- quarter becomes one for the year, and ten columns of counts become one.
-- `slices_id` names the rows of one count of one day. Readers take the ids from Postgres: rows of a count that
-- died, or that is superseded, are simply not named.
CREATE TABLE IF NOT EXISTS truth_slices
(
    advertiser_id String,
    campaign_id   String,
    billing_day   Date,
    slices_id     UInt64,
    geo           String,
    device        String,
    counts        Array(Int128),                     -- as `queries/sliceCounts.ts` lists them
    gap_days      Array(UInt8),                      -- ascending; of those who were never there before there is none
    gap_users     Array(UInt32) CODEC(T64, LZ4)      -- how many were there last so many days before
)
ENGINE = MergeTree
PARTITION BY toYear(billing_day)
ORDER BY (advertiser_id, campaign_id, billing_day, slices_id, geo, device)
SETTINGS index_granularity = 256, min_bytes_for_wide_part = 104857600;
