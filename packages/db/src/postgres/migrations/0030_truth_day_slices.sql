CREATE TABLE "truth_left_slices" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"advertiser_id" text NOT NULL,
	"billing_day" date NOT NULL,
	"left_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "truth_returns" ADD COLUMN "slices_id" bigint;--> statement-breakpoint
ALTER TABLE "truth_left_slices" ADD CONSTRAINT "truth_left_slices_advertiser_id_advertisers_id_fk" FOREIGN KEY ("advertiser_id") REFERENCES "public"."advertisers"("id") ON DELETE no action ON UPDATE no action;