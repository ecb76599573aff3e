ALTER TABLE "archive_stretches" ADD COLUMN "newest_append_ms" bigint;--> statement-breakpoint
ALTER TABLE "stream_gaps" ADD COLUMN "unsure_until" bigint;