ALTER TABLE "quarantine_checkpoints" ADD COLUMN "refused_total" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
-- What was refused before is counted as far as it is still kept.
UPDATE "quarantine_checkpoints" AS read SET "refused_total" =
	(SELECT count(*) FROM "quarantine_items" AS item
		WHERE item."topic" = read."topic" AND item."partition" = read."partition")
	+ (SELECT coalesce(sum("items"), 0) FROM "quarantine_overflow" AS flood
		WHERE flood."topic" = read."topic" AND flood."partition" = read."partition");
