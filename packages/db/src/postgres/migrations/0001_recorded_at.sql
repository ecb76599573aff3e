ALTER TABLE "campaigns" ALTER COLUMN "created_at" SET DEFAULT clock_timestamp();--> statement-breakpoint
ALTER TABLE "rate_cards" ALTER COLUMN "created_at" SET DEFAULT clock_timestamp();