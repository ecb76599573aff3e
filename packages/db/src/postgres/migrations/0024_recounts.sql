CREATE TABLE "stream_recounts" (
	"topic" text NOT NULL,
	"event_hour" timestamp with time zone NOT NULL,
	"started_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "stream_recounts_topic_event_hour_pk" PRIMARY KEY("topic","event_hour")
);
