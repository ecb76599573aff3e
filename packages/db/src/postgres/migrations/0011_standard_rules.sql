-- The rules that the product starts with: version 1 of each, in force since ever.
INSERT INTO "rule_versions"
  ("rule_id", "version", "enabled", "parameters", "effective_from", "reason", "created_by")
VALUES
  ('duplicate', 1, true, '{}', 'epoch', 'the standard set', 'trueclick'),
  ('id_conflict', 1, true, '{}', 'epoch', 'the standard set', 'trueclick'),
  ('test', 1, true, '{}', 'epoch', 'the standard set', 'trueclick'),
  ('unknown_campaign', 1, true, '{}', 'epoch', 'the standard set', 'trueclick'),
  ('bot_user_agent', 1, true, '{}', 'epoch', 'the standard set', 'trueclick'),
  ('not_a_browser', 1, true, '{"judge_missing":false}', 'epoch', 'the standard set', 'trueclick'),
  ('datacenter_ip', 1, true, '{}', 'epoch', 'the standard set', 'trueclick'),
  ('prefetch', 1, true, '{}', 'epoch', 'the standard set', 'trueclick'),
  ('token_bad', 1, true, '{}', 'epoch', 'the standard set', 'trueclick'),
  ('token_expired', 1, true, '{}', 'epoch', 'the standard set', 'trueclick'),
  ('inactive_campaign', 1, true, '{}', 'epoch', 'the standard set', 'trueclick'),
  ('publisher_blocked', 1, true, '{}', 'epoch', 'the standard set', 'trueclick'),
  ('manual', 1, true, '{}', 'epoch', 'the standard set', 'trueclick'),
  ('unlinked', 1, true, '{"lookback_hours":24}', 'epoch', 'the standard set', 'trueclick'),
  ('token_replayed', 1, true, '{"lookback_hours":24}', 'epoch', 'the standard set', 'trueclick'),
  ('double_click', 1, true, '{"seconds":30}', 'epoch', 'the standard set', 'trueclick'),
  ('velocity_user', 1, true, '{"seconds":60,"clicks_max":10}', 'epoch', 'the standard set', 'trueclick'),
  ('velocity_ip_net', 1, true, '{"seconds":60,"clicks_max":6000}', 'epoch', 'the standard set', 'trueclick'),
  ('velocity_publisher', 1, false, '{"seconds":60,"clicks_max":10000}', 'epoch', 'the standard set', 'trueclick');
