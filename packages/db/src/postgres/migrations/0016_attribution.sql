CREATE TABLE "attribution_windows" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"advertiser_id" text,
	"campaign_id" text,
	"window_days" integer,
	"effective_from" timestamp with time zone NOT NULL,
	"reason" text NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "attribution_windows_days" CHECK ("attribution_windows"."window_days" in (1, 7, 30)),
	CONSTRAINT "attribution_windows_scope" CHECK ("attribution_windows"."campaign_id" is null or "attribution_windows"."advertiser_id" is not null)
);
--> statement-breakpoint
CREATE TABLE "truth_click_indexes" (
	"advertiser_id" text NOT NULL,
	"billing_day" date NOT NULL,
	"judged_hash" char(64) NOT NULL,
	"indexed_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "truth_click_indexes_advertiser_id_billing_day_judged_hash_pk" PRIMARY KEY("advertiser_id","billing_day","judged_hash")
);
--> statement-breakpoint
ALTER TABLE "batch_jobs" ADD COLUMN "lookback" jsonb;--> statement-breakpoint
ALTER TABLE "truth_lines" ADD COLUMN "attributed_conversions" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "truth_lines" ADD COLUMN "attributed_value_micros" numeric DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "truth_versions" ADD COLUMN "judged_hash" char(64);--> statement-breakpoint
ALTER TABLE "attribution_windows" ADD CONSTRAINT "attribution_windows_advertiser_id_advertisers_id_fk" FOREIGN KEY ("advertiser_id") REFERENCES "public"."advertisers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "attribution_windows" ADD CONSTRAINT "attribution_windows_campaign_id_campaigns_id_fk" FOREIGN KEY ("campaign_id") REFERENCES "public"."campaigns"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "truth_click_indexes" ADD CONSTRAINT "truth_click_indexes_advertiser_id_advertisers_id_fk" FOREIGN KEY ("advertiser_id") REFERENCES "public"."advertisers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "attribution_windows_advertiser_idx" ON "attribution_windows" USING btree ("advertiser_id");