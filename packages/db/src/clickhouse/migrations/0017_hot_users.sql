-- Users with a valid click, as sets that take the same user again without a change; so a row that
-- is written again, late, or by several partitions of the log, does no harm. Some 0.5 percent off.
--
-- An hour without a row is not known; one whose clicks name no user has a row with an empty set.
-- A reader unites the sets, with uniqCombined64Merge.
CREATE TABLE IF NOT EXISTS hot_users
(
    advertiser_id String,
    campaign_id   String,
    event_hour    DateTime('UTC'),
    -- How rows are written: the 64 bits of each user's hash, as 16 hexadecimal digits.
    user_hashes   String EPHEMERAL,
    users         AggregateFunction(uniqCombined64, UInt64) DEFAULT arrayReduce(
        'uniqCombined64State',
        arrayMap(digits -> reinterpretAsUInt64(unhex(digits)), extractAll(user_hashes, '[0-9a-f]{16}'))
    )
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMMDD(event_hour)
ORDER BY (advertiser_id, campaign_id, event_hour)
TTL event_hour + INTERVAL 36 DAY
-- A set is some kilobytes: a granule has few of them, so that no reader reads many others'. A table of
-- before keeps its granules of 8,192.
SETTINGS ttl_only_drop_parts = 1, index_granularity = 128;
