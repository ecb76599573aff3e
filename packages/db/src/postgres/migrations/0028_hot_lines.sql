CREATE SEQUENCE "public"."hot_line_readings" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1;--> statement-breakpoint
CREATE TABLE "hot_line_hours" (
	"event_hour" timestamp with time zone PRIMARY KEY NOT NULL,
	"reading" bigint NOT NULL,
	"state" text NOT NULL,
	"advertiser_lines" integer NOT NULL,
	"written_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "hot_lines" (
	"event_hour" timestamp with time zone NOT NULL,
	"of_campaign" boolean NOT NULL,
	"advertiser_id" text NOT NULL,
	"campaign_id" text NOT NULL,
	"clicks" bigint NOT NULL,
	"invalid_clicks" bigint NOT NULL,
	"givt_clicks" bigint NOT NULL,
	"duplicate_clicks" bigint NOT NULL,
	"impressions" bigint NOT NULL,
	"conversions" bigint NOT NULL,
	"cost_micros" bigint NOT NULL,
	"unique_users" bigint,
	CONSTRAINT "hot_lines_event_hour_of_campaign_advertiser_id_campaign_id_pk" PRIMARY KEY("event_hour","of_campaign","advertiser_id","campaign_id")
);
