CREATE TABLE "campaign_statuses" (
	"campaign_id" text NOT NULL,
	"effective_from" timestamp with time zone NOT NULL,
	"status" text NOT NULL,
	"reason" text NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "campaign_statuses_campaign_id_effective_from_pk" PRIMARY KEY("campaign_id","effective_from")
);
--> statement-breakpoint
CREATE TABLE "backtests" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"rule_id" text NOT NULL,
	"enabled" boolean NOT NULL,
	"parameters" jsonb NOT NULL,
	"advertiser_id" text,
	"from_day" date NOT NULL,
	"to_day" date NOT NULL,
	"state" text DEFAULT 'queued' NOT NULL,
	"lease_until" timestamp with time zone,
	"partitions_done" integer DEFAULT 0 NOT NULL,
	"partitions_total" integer,
	"result" jsonb,
	"error" text,
	"requested_by" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "fraud_decisions" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"origin" text NOT NULL,
	"advertiser_id" text,
	"campaign_id" text,
	"ad_id" text,
	"publisher_id" text,
	"user_id" text,
	"ip_net" text,
	"event_id" text,
	"from_at" timestamp with time zone,
	"to_at" timestamp with time zone,
	"reason" text NOT NULL,
	"revokes" bigint,
	"created_by" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "fraud_decisions_revokes_unique" UNIQUE("revokes"),
	CONSTRAINT "fraud_decisions_scope" CHECK (("fraud_decisions"."revokes" is null) = ("fraud_decisions"."from_at" is not null and "fraud_decisions"."to_at" > "fraud_decisions"."from_at"
        and num_nonnulls("fraud_decisions"."campaign_id", "fraud_decisions"."ad_id", "fraud_decisions"."publisher_id", "fraud_decisions"."user_id",
          "fraud_decisions"."ip_net", "fraud_decisions"."event_id") > 0))
);
--> statement-breakpoint
CREATE TABLE "rule_versions" (
	"rule_id" text NOT NULL,
	"version" integer NOT NULL,
	"enabled" boolean NOT NULL,
	"parameters" jsonb NOT NULL,
	"effective_from" timestamp with time zone NOT NULL,
	"reason" text NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "rule_versions_rule_id_version_pk" PRIMARY KEY("rule_id","version"),
	CONSTRAINT "rule_versions_from_one" CHECK ("rule_versions"."version" >= 1)
);
--> statement-breakpoint
ALTER TABLE "campaigns" ADD COLUMN "requires_impression" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "campaign_statuses" ADD CONSTRAINT "campaign_statuses_campaign_id_campaigns_id_fk" FOREIGN KEY ("campaign_id") REFERENCES "public"."campaigns"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "backtests" ADD CONSTRAINT "backtests_advertiser_id_advertisers_id_fk" FOREIGN KEY ("advertiser_id") REFERENCES "public"."advertisers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "fraud_decisions" ADD CONSTRAINT "fraud_decisions_advertiser_id_advertisers_id_fk" FOREIGN KEY ("advertiser_id") REFERENCES "public"."advertisers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "fraud_decisions" ADD CONSTRAINT "fraud_decisions_revokes_fraud_decisions_id_fk" FOREIGN KEY ("revokes") REFERENCES "public"."fraud_decisions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "fraud_decisions_range_idx" ON "fraud_decisions" USING btree ("to_at","from_at");