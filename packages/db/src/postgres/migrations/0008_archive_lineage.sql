ALTER TABLE "archive_checkpoints" ADD COLUMN "start_offset" bigint;--> statement-breakpoint
ALTER TABLE "archive_objects" ADD COLUMN "merged_objects" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "archive_objects" ADD COLUMN "compacted_into" text;--> statement-breakpoint
ALTER TABLE "archive_objects" ADD COLUMN "removed_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "archive_objects" ADD CONSTRAINT "archive_objects_removed_compacted" CHECK ("archive_objects"."removed_at" is null or "archive_objects"."compacted_into" is not null);