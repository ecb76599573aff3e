ALTER TABLE "truth_returns" DROP COLUMN "slices_id";--> statement-breakpoint
ALTER TABLE "truth_returns" ADD COLUMN "day_slices_id" bigint;
