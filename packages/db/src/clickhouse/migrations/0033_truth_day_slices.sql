-- Whole days of truth by campaign, country and device: what a report of days adds up instead of the cells of
-- all hours, and how many of a slice's users were there last how many days before, in the same slice.
-- `slices_id` names the rows of one count of one day. Readers take the ids from Postgres: rows of a count that
-- died, or that is superseded, are simply not named.
CREATE TABLE IF NOT EXISTS truth_day_slices
(
    advertiser_id         String,
    campaign_id           String,
    billing_day           Date,
    slices_id             UInt64,
    geo                   LowCardinality(String),
    device                LowCardinality(String),
    clicks                UInt64,
    gross_clicks          UInt64,
    net_clicks            UInt64,
    duplicate_clicks      UInt64,
    impressions           UInt64,
    conversions           UInt64,
    cost_micros           Int64,
    credited              UInt64,
    credited_value_micros Int128,
    unique_users          UInt64,
    gap_days              Array(UInt8),  -- ascending; of those who were never there before there is none
    gap_users             Array(UInt32)  -- how many were there last so many days before
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(billing_day)
ORDER BY (advertiser_id, campaign_id, billing_day, slices_id, geo, device)
SETTINGS index_granularity = 1024;
