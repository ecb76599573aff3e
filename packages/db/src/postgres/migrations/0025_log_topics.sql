CREATE TABLE "log_topics" (
	"topic" text PRIMARY KEY NOT NULL,
	"topic_id" text NOT NULL,
	"first_seen_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
