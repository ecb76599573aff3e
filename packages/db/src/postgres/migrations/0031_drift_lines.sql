CREATE SEQUENCE "public"."drift_reading_numbers" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1;--> statement-breakpoint
CREATE TABLE "drift_hours" (
	"advertiser_id" text NOT NULL,
	"event_hour" timestamp with time zone NOT NULL,
	"reading" bigint NOT NULL,
	"as_of" text NOT NULL,
	"lines_sha256" text NOT NULL,
	CONSTRAINT "drift_hours_advertiser_id_event_hour_pk" PRIMARY KEY("advertiser_id","event_hour")
);
--> statement-breakpoint
CREATE TABLE "drift_lines" (
	"advertiser_id" text NOT NULL,
	"event_hour" timestamp with time zone NOT NULL,
	"campaign_id" text NOT NULL,
	"stream" bigint NOT NULL,
	"truth" bigint NOT NULL,
	"differences" jsonb,
	CONSTRAINT "drift_lines_advertiser_id_event_hour_campaign_id_pk" PRIMARY KEY("advertiser_id","event_hour","campaign_id")
);
--> statement-breakpoint
CREATE TABLE "drift_readings" (
	"id" bigint PRIMARY KEY NOT NULL,
	"stream_next" jsonb NOT NULL,
	"taken_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
