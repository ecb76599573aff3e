CREATE TABLE "drift_unexplained" (
	"campaign_id" text NOT NULL,
	"advertiser_id" text NOT NULL,
	"event_hour" timestamp with time zone NOT NULL,
	"stream" bigint NOT NULL,
	"truth" bigint NOT NULL,
	"unexplained" bigint NOT NULL,
	"first_seen_at" timestamp with time zone NOT NULL,
	"seen_at" timestamp with time zone NOT NULL,
	CONSTRAINT "drift_unexplained_campaign_id_event_hour_pk" PRIMARY KEY("campaign_id","event_hour"),
	CONSTRAINT "drift_unexplained_not_zero" CHECK ("drift_unexplained"."unexplained" <> 0)
);
--> statement-breakpoint
CREATE TABLE "drift_watch" (
	"id" smallint PRIMARY KEY NOT NULL,
	"started_at" timestamp with time zone NOT NULL,
	"looks" bigint NOT NULL,
	"checked_at" timestamp with time zone,
	CONSTRAINT "drift_watch_one_row" CHECK ("drift_watch"."id" = 1)
);
--> statement-breakpoint
CREATE INDEX "drift_unexplained_hour_idx" ON "drift_unexplained" USING btree ("event_hour");