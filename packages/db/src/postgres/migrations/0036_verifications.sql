CREATE TABLE "verifications" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"advertiser_id" text NOT NULL,
	"billing_day" date NOT NULL,
	"version" integer NOT NULL,
	"campaign_id" text,
	"state" text DEFAULT 'queued' NOT NULL,
	"lease_until" timestamp with time zone,
	"result" jsonb,
	"error" text,
	"requested_by" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "verifications" ADD CONSTRAINT "verifications_advertiser_id_billing_day_version_truth_versions_advertiser_id_billing_day_version_fk" FOREIGN KEY ("advertiser_id","billing_day","version") REFERENCES "public"."truth_versions"("advertiser_id","billing_day","version") ON DELETE no action ON UPDATE no action;