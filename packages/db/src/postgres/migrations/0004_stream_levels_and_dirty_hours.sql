CREATE TABLE "stream_dirty_hours" (
	"topic" text NOT NULL,
	"event_hour" timestamp with time zone NOT NULL,
	"cause" text NOT NULL,
	"partition" integer,
	"offset_from" bigint,
	"marked_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"healed_at" timestamp with time zone,
	CONSTRAINT "stream_dirty_hours_topic_event_hour_cause_pk" PRIMARY KEY("topic","event_hour","cause")
);
--> statement-breakpoint
CREATE TABLE "stream_level_changes" (
	"topic" text NOT NULL,
	"partition" integer NOT NULL,
	"offset_from" bigint NOT NULL,
	"level" integer NOT NULL,
	"allowed_lateness_ms" bigint NOT NULL,
	"cause" text NOT NULL,
	"changed_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "stream_level_changes_topic_partition_offset_from_pk" PRIMARY KEY("topic","partition","offset_from"),
	CONSTRAINT "stream_level_changes_level" CHECK ("stream_level_changes"."level" between 0 and 3)
);
