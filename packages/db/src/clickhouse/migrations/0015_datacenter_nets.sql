-- The networks (/24 and /48) that lie wholly in the ranges of a file of data centres, by the file's
-- SHA-256. A function of the file: a row written twice changes nothing.
CREATE TABLE IF NOT EXISTS datacenter_nets
(
    ranges_sha256 LowCardinality(String),
    ip_net        String
)
ENGINE = ReplacingMergeTree
ORDER BY (ranges_sha256, ip_net);
