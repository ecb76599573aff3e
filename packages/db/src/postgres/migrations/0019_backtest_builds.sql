CREATE TABLE "backtest_builds" (
	"build_id" bigint PRIMARY KEY NOT NULL,
	"advertiser_id" text NOT NULL,
	"billing_day" date NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "backtest_builds" ADD CONSTRAINT "backtest_builds_advertiser_id_advertisers_id_fk" FOREIGN KEY ("advertiser_id") REFERENCES "public"."advertisers"("id") ON DELETE no action ON UPDATE no action;