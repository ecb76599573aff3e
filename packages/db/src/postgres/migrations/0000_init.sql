CREATE TABLE "advertisers" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"time_zone" text NOT NULL,
	"currency" char(3) NOT NULL,
	"settling_hours" integer DEFAULT 72 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "advertisers_settling_not_negative" CHECK ("advertisers"."settling_hours" >= 0),
	CONSTRAINT "advertisers_currency_upper_case" CHECK ("advertisers"."currency" = upper("advertisers"."currency"))
);
--> statement-breakpoint
CREATE TABLE "archive_checkpoints" (
	"topic" text NOT NULL,
	"partition" integer NOT NULL,
	"epoch" bigint NOT NULL,
	"next_offset" bigint NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "archive_checkpoints_topic_partition_pk" PRIMARY KEY("topic","partition")
);
--> statement-breakpoint
CREATE TABLE "archive_flush_requests" (
	"topic" text PRIMARY KEY NOT NULL,
	"requested_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "archive_objects" (
	"path" text PRIMARY KEY NOT NULL,
	"topic" text NOT NULL,
	"partition" integer NOT NULL,
	"first_offset" bigint NOT NULL,
	"last_offset" bigint NOT NULL,
	"event_hour" timestamp with time zone NOT NULL,
	"rows" bigint NOT NULL,
	"bytes" bigint NOT NULL,
	"sha256" char(64) NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "archive_objects_rows_positive" CHECK ("archive_objects"."rows" > 0)
);
--> statement-breakpoint
CREATE TABLE "archive_stretches" (
	"topic" text NOT NULL,
	"partition" integer NOT NULL,
	"first_offset" bigint NOT NULL,
	"last_offset" bigint NOT NULL,
	"events" bigint NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "archive_stretches_topic_partition_first_offset_pk" PRIMARY KEY("topic","partition","first_offset"),
	CONSTRAINT "archive_stretches_not_empty" CHECK ("archive_stretches"."last_offset" >= "archive_stretches"."first_offset")
);
--> statement-breakpoint
CREATE TABLE "auth_accounts" (
	"id" text PRIMARY KEY NOT NULL,
	"account_id" text NOT NULL,
	"provider_id" text NOT NULL,
	"user_id" text NOT NULL,
	"access_token" text,
	"refresh_token" text,
	"id_token" text,
	"access_token_expires_at" timestamp with time zone,
	"refresh_token_expires_at" timestamp with time zone,
	"scope" text,
	"password" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "advertiser_members" (
	"user_id" text NOT NULL,
	"advertiser_id" text NOT NULL,
	CONSTRAINT "advertiser_members_user_id_advertiser_id_pk" PRIMARY KEY("user_id","advertiser_id")
);
--> statement-breakpoint
CREATE TABLE "auth_sessions" (
	"id" text PRIMARY KEY NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"token" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"ip_address" text,
	"user_agent" text,
	"user_id" text NOT NULL,
	CONSTRAINT "auth_sessions_token_unique" UNIQUE("token")
);
--> statement-breakpoint
CREATE TABLE "user_roles" (
	"user_id" text PRIMARY KEY NOT NULL,
	"role" text NOT NULL,
	CONSTRAINT "user_roles_role_known" CHECK ("user_roles"."role" in ('advertiser', 'account_manager', 'engineer'))
);
--> statement-breakpoint
CREATE TABLE "auth_users" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"email" text NOT NULL,
	"email_verified" boolean DEFAULT false NOT NULL,
	"image" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "auth_users_email_unique" UNIQUE("email")
);
--> statement-breakpoint
CREATE TABLE "auth_verifications" (
	"id" text PRIMARY KEY NOT NULL,
	"identifier" text NOT NULL,
	"value" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "ads" (
	"campaign_id" text NOT NULL,
	"id" text NOT NULL,
	"name" text NOT NULL,
	CONSTRAINT "ads_campaign_id_id_pk" PRIMARY KEY("campaign_id","id")
);
--> statement-breakpoint
CREATE TABLE "campaigns" (
	"id" text PRIMARY KEY NOT NULL,
	"advertiser_id" text NOT NULL,
	"name" text NOT NULL,
	"daily_budget_micros" bigint,
	"starts_at" timestamp with time zone,
	"ends_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "campaigns_ends_after_start" CHECK ("campaigns"."ends_at" > "campaigns"."starts_at")
);
--> statement-breakpoint
CREATE TABLE "rate_cards" (
	"campaign_id" text NOT NULL,
	"effective_from" timestamp with time zone NOT NULL,
	"cpc_micros" bigint NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "rate_cards_campaign_id_effective_from_pk" PRIMARY KEY("campaign_id","effective_from"),
	CONSTRAINT "rate_cards_cpc_not_negative" CHECK ("rate_cards"."cpc_micros" >= 0)
);
--> statement-breakpoint
CREATE TABLE "api_keys" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"key_sha256" text NOT NULL,
	"role" text NOT NULL,
	"advertiser_id" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone,
	"revoked_at" timestamp with time zone,
	CONSTRAINT "api_keys_keySha256_unique" UNIQUE("key_sha256"),
	CONSTRAINT "api_keys_role_known" CHECK ("api_keys"."role" in ('advertiser', 'account_manager', 'engineer')),
	CONSTRAINT "api_keys_advertiser_named" CHECK (("api_keys"."role" = 'advertiser') = ("api_keys"."advertiser_id" is not null))
);
--> statement-breakpoint
CREATE TABLE "source_keys" (
	"id" text PRIMARY KEY NOT NULL,
	"source_id" text NOT NULL,
	"key_sha256" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone,
	"revoked_at" timestamp with time zone,
	CONSTRAINT "source_keys_keySha256_unique" UNIQUE("key_sha256")
);
--> statement-breakpoint
CREATE TABLE "sources" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"speaks_for_users" boolean DEFAULT false NOT NULL,
	"require_token" boolean DEFAULT false NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "stream_checkpoints" (
	"topic" text NOT NULL,
	"partition" integer NOT NULL,
	"epoch" bigint NOT NULL,
	"next_offset" bigint NOT NULL,
	"restart_offset" bigint NOT NULL,
	"watermark_ms" bigint,
	"append_time_ms" bigint,
	"level" integer DEFAULT 0 NOT NULL,
	"counted_total" bigint DEFAULT 0 NOT NULL,
	"duplicate_total" bigint DEFAULT 0 NOT NULL,
	"invalid_total" bigint DEFAULT 0 NOT NULL,
	"late_total" bigint DEFAULT 0 NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "stream_checkpoints_topic_partition_pk" PRIMARY KEY("topic","partition"),
	CONSTRAINT "stream_checkpoints_restart_first" CHECK ("stream_checkpoints"."restart_offset" <= "stream_checkpoints"."next_offset")
);
--> statement-breakpoint
CREATE TABLE "batch_job_objects" (
	"job_id" bigint NOT NULL,
	"path" text NOT NULL,
	"sha256" char(64) NOT NULL,
	"rows" bigint NOT NULL,
	CONSTRAINT "batch_job_objects_job_id_path_pk" PRIMARY KEY("job_id","path")
);
--> statement-breakpoint
CREATE TABLE "batch_jobs" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"advertiser_id" text NOT NULL,
	"billing_day" date NOT NULL,
	"state" text DEFAULT 'queued' NOT NULL,
	"reason" text NOT NULL,
	"requested_by" text NOT NULL,
	"request_id" text NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"lease_until" timestamp with time zone,
	"code_version" text,
	"inputs_hash" char(64),
	"inputs" jsonb,
	"content_hash" char(64),
	"timings" jsonb,
	"error" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp with time zone,
	"finished_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "truth_current" (
	"advertiser_id" text NOT NULL,
	"billing_day" date NOT NULL,
	"version" integer NOT NULL,
	CONSTRAINT "truth_current_advertiser_id_billing_day_pk" PRIMARY KEY("advertiser_id","billing_day")
);
--> statement-breakpoint
CREATE TABLE "truth_lines" (
	"advertiser_id" text NOT NULL,
	"billing_day" date NOT NULL,
	"version" integer NOT NULL,
	"campaign_id" text NOT NULL,
	"clicks" bigint NOT NULL,
	"gross_clicks" bigint NOT NULL,
	"net_clicks" bigint NOT NULL,
	"duplicate_clicks" bigint NOT NULL,
	"impressions" bigint NOT NULL,
	"conversions" bigint NOT NULL,
	"unique_users" bigint NOT NULL,
	"cost_micros" bigint NOT NULL,
	CONSTRAINT "truth_lines_advertiser_id_billing_day_version_campaign_id_pk" PRIMARY KEY("advertiser_id","billing_day","version","campaign_id")
);
--> statement-breakpoint
CREATE TABLE "truth_versions" (
	"advertiser_id" text NOT NULL,
	"billing_day" date NOT NULL,
	"version" integer NOT NULL,
	"job_id" bigint NOT NULL,
	"inputs_hash" char(64) NOT NULL,
	"content_hash" char(64) NOT NULL,
	"verdict_counts" jsonb NOT NULL,
	"cost_micros" bigint NOT NULL,
	"currency" char(3) NOT NULL,
	"cause" text NOT NULL,
	"published_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "truth_versions_advertiser_id_billing_day_version_pk" PRIMARY KEY("advertiser_id","billing_day","version"),
	CONSTRAINT "truth_versions_from_one" CHECK ("truth_versions"."version" >= 1)
);
--> statement-breakpoint
ALTER TABLE "auth_accounts" ADD CONSTRAINT "auth_accounts_user_id_auth_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."auth_users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "advertiser_members" ADD CONSTRAINT "advertiser_members_user_id_auth_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."auth_users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "advertiser_members" ADD CONSTRAINT "advertiser_members_advertiser_id_advertisers_id_fk" FOREIGN KEY ("advertiser_id") REFERENCES "public"."advertisers"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "auth_sessions" ADD CONSTRAINT "auth_sessions_user_id_auth_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."auth_users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "user_roles" ADD CONSTRAINT "user_roles_user_id_auth_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."auth_users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ads" ADD CONSTRAINT "ads_campaign_id_campaigns_id_fk" FOREIGN KEY ("campaign_id") REFERENCES "public"."campaigns"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "campaigns" ADD CONSTRAINT "campaigns_advertiser_id_advertisers_id_fk" FOREIGN KEY ("advertiser_id") REFERENCES "public"."advertisers"("id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "rate_cards" ADD CONSTRAINT "rate_cards_campaign_id_campaigns_id_fk" FOREIGN KEY ("campaign_id") REFERENCES "public"."campaigns"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_advertiser_id_advertisers_id_fk" FOREIGN KEY ("advertiser_id") REFERENCES "public"."advertisers"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "source_keys" ADD CONSTRAINT "source_keys_source_id_sources_id_fk" FOREIGN KEY ("source_id") REFERENCES "public"."sources"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "batch_job_objects" ADD CONSTRAINT "batch_job_objects_job_id_batch_jobs_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."batch_jobs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "batch_jobs" ADD CONSTRAINT "batch_jobs_advertiser_id_advertisers_id_fk" FOREIGN KEY ("advertiser_id") REFERENCES "public"."advertisers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "truth_current" ADD CONSTRAINT "truth_current_advertiser_id_billing_day_version_truth_versions_advertiser_id_billing_day_version_fk" FOREIGN KEY ("advertiser_id","billing_day","version") REFERENCES "public"."truth_versions"("advertiser_id","billing_day","version") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "truth_lines" ADD CONSTRAINT "truth_lines_advertiser_id_billing_day_version_truth_versions_advertiser_id_billing_day_version_fk" FOREIGN KEY ("advertiser_id","billing_day","version") REFERENCES "public"."truth_versions"("advertiser_id","billing_day","version") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "truth_versions" ADD CONSTRAINT "truth_versions_advertiser_id_advertisers_id_fk" FOREIGN KEY ("advertiser_id") REFERENCES "public"."advertisers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "truth_versions" ADD CONSTRAINT "truth_versions_job_id_batch_jobs_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."batch_jobs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "archive_objects_hour_idx" ON "archive_objects" USING btree ("topic","event_hour");--> statement-breakpoint
CREATE UNIQUE INDEX "auth_accounts_provider_idx" ON "auth_accounts" USING btree ("provider_id","account_id");--> statement-breakpoint
CREATE INDEX "auth_sessions_user_idx" ON "auth_sessions" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "auth_verifications_identifier_idx" ON "auth_verifications" USING btree ("identifier");--> statement-breakpoint
CREATE INDEX "campaigns_advertiser_idx" ON "campaigns" USING btree ("advertiser_id","name");--> statement-breakpoint
CREATE INDEX "source_keys_source_idx" ON "source_keys" USING btree ("source_id");--> statement-breakpoint
CREATE INDEX "batch_jobs_partition_idx" ON "batch_jobs" USING btree ("advertiser_id","billing_day","id" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "batch_jobs_request_idx" ON "batch_jobs" USING btree ("request_id");--> statement-breakpoint
CREATE UNIQUE INDEX "batch_jobs_one_queued_idx" ON "batch_jobs" USING btree ("advertiser_id","billing_day") WHERE "batch_jobs"."state" = 'queued';--> statement-breakpoint
CREATE UNIQUE INDEX "batch_jobs_one_running_idx" ON "batch_jobs" USING btree ("advertiser_id","billing_day") WHERE "batch_jobs"."state" = 'running';--> statement-breakpoint
CREATE UNIQUE INDEX "truth_versions_job_idx" ON "truth_versions" USING btree ("job_id");