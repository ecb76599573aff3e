CREATE TABLE "truth_line_returns" (
	"advertiser_id" text NOT NULL,
	"billing_day" date NOT NULL,
	"campaign_id" text NOT NULL,
	"returned" bigint[] NOT NULL,
	CONSTRAINT "truth_line_returns_advertiser_id_billing_day_campaign_id_pk" PRIMARY KEY("advertiser_id","billing_day","campaign_id")
);
--> statement-breakpoint
CREATE TABLE "truth_return_claims" (
	"advertiser_id" text PRIMARY KEY NOT NULL,
	"claimed_until" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "truth_returns" (
	"advertiser_id" text NOT NULL,
	"billing_day" date NOT NULL,
	"version" integer NOT NULL,
	"compared" integer[] NOT NULL,
	"unique_users" bigint NOT NULL,
	"returned" bigint[] NOT NULL,
	"made_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "truth_returns_advertiser_id_billing_day_pk" PRIMARY KEY("advertiser_id","billing_day")
);
--> statement-breakpoint
ALTER TABLE "truth_line_returns" ADD CONSTRAINT "truth_line_returns_advertiser_id_billing_day_truth_returns_advertiser_id_billing_day_fk" FOREIGN KEY ("advertiser_id","billing_day") REFERENCES "public"."truth_returns"("advertiser_id","billing_day") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "truth_return_claims" ADD CONSTRAINT "truth_return_claims_advertiser_id_advertisers_id_fk" FOREIGN KEY ("advertiser_id") REFERENCES "public"."advertisers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "truth_returns" ADD CONSTRAINT "truth_returns_advertiser_id_advertisers_id_fk" FOREIGN KEY ("advertiser_id") REFERENCES "public"."advertisers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "truth_versions_published_idx" ON "truth_versions" USING btree ("published_at");