ALTER TABLE "backtests" ADD COLUMN "attempts" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "backtests" ADD COLUMN "failures" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "verifications" ADD COLUMN "attempts" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "verifications" ADD COLUMN "failures" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX "backtests_open_idx" ON "backtests" USING btree ("id") WHERE "backtests"."state" in ('queued', 'running');--> statement-breakpoint
CREATE INDEX "verifications_version_idx" ON "verifications" USING btree ("advertiser_id","billing_day","version","id");--> statement-breakpoint
CREATE INDEX "verifications_open_idx" ON "verifications" USING btree ("id") WHERE "verifications"."state" in ('queued', 'running');--> statement-breakpoint
CREATE INDEX "verifications_finished_idx" ON "verifications" USING btree ("finished_at");