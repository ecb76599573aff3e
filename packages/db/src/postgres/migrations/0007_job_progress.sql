ALTER TABLE "batch_jobs" ADD COLUMN "campaigns_hash" text GENERATED ALWAYS AS (md5(inputs ->> 'campaigns')) STORED;--> statement-breakpoint
ALTER TABLE "batch_jobs" ADD COLUMN "hour_rows" jsonb;--> statement-breakpoint
ALTER TABLE "batch_jobs" ADD COLUMN "step" text;--> statement-breakpoint
ALTER TABLE "batch_jobs" ADD COLUMN "slices_done" integer;--> statement-breakpoint
ALTER TABLE "batch_jobs" ADD COLUMN "slices_total" integer;