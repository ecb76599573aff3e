CREATE TABLE "hot_rollups" (
	"topic" text PRIMARY KEY NOT NULL,
	"rolled_through" timestamp with time zone NOT NULL,
	"updated_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "stream_backfills" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"topic" text NOT NULL,
	"event_hour" timestamp with time zone NOT NULL,
	"causes" text[] NOT NULL,
	"events" bigint NOT NULL,
	"corrected" bigint NOT NULL,
	"started_at" timestamp with time zone NOT NULL,
	"finished_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "stream_gaps" (
	"topic" text NOT NULL,
	"partition" integer NOT NULL,
	"offset_from" bigint NOT NULL,
	"offset_to" bigint NOT NULL,
	"hours" integer NOT NULL,
	"archived" boolean NOT NULL,
	"found_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "stream_gaps_topic_partition_offset_from_pk" PRIMARY KEY("topic","partition","offset_from")
);
--> statement-breakpoint
CREATE INDEX "stream_backfills_hour_idx" ON "stream_backfills" USING btree ("topic","event_hour","finished_at");