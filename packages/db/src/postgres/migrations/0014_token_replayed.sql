-- A token counts once, however long ago: the rule takes no time to look back. No event was judged by
-- this version before, so that it is put right and no other follows it.
UPDATE "rule_versions" SET "parameters" = '{}' WHERE "rule_id" = 'token_replayed' AND "version" = 1;--> statement-breakpoint
-- Their tokens were not looked up yet.
UPDATE "archive_objects" SET "copies_searched_at" = NULL WHERE "compacted_into" IS NULL;
