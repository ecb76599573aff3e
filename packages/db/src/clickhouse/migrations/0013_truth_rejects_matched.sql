-- Every rule that an event met, as `id@version`, the one that gave the verdict first; and the fraud
-- decisions among them, as `decision:id`.
ALTER TABLE truth_rejects ADD COLUMN IF NOT EXISTS matched Array(LowCardinality(String));
