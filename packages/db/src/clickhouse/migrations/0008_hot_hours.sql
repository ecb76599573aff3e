-- Hours of event time, rolled up from hot_minutes, or counted again from the archive. Where an
-- account's days start within an hour (zones of half and quarter hours), its spans are quarters.
--
-- Every count only grows as the log is read, and a row is a count of one partition, so of all rows
-- with one sorting key the greatest is the furthest. A row that is written again, late, or by
-- somebody who had read less, changes nothing. A reader must fold them itself, with FINAL.
CREATE TABLE IF NOT EXISTS hot_hours
(
    advertiser_id    String,
    cube             LowCardinality(String),
    campaign_id      String,
    span_start       DateTime('UTC'),          -- of an hour, or of a quarter of one
    dimension_value  String,
    partition        UInt16,
    clicks           SimpleAggregateFunction(max, UInt64),
    invalid_clicks   SimpleAggregateFunction(max, UInt64),
    duplicate_clicks SimpleAggregateFunction(max, UInt64),
    impressions      SimpleAggregateFunction(max, UInt64),
    conversions      SimpleAggregateFunction(max, UInt64),
    cost_micros      SimpleAggregateFunction(max, Int64)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMMDD(span_start)
ORDER BY (advertiser_id, cube, campaign_id, span_start, dimension_value, partition)
TTL span_start + INTERVAL 36 DAY
SETTINGS ttl_only_drop_parts = 1;
