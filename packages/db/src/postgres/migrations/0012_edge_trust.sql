CREATE TABLE "token_keys" (
	"id" text PRIMARY KEY NOT NULL,
	"secret" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"retired_at" timestamp with time zone,
	CONSTRAINT "token_keys_id_form" CHECK ("token_keys"."id" ~ '^[A-Za-z0-9_-]{1,32}$')
);
--> statement-breakpoint
CREATE TABLE "quarantine_checkpoints" (
	"topic" text NOT NULL,
	"partition" integer NOT NULL,
	"next_offset" bigint NOT NULL,
	"updated_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "quarantine_checkpoints_topic_partition_pk" PRIMARY KEY("topic","partition")
);
--> statement-breakpoint
CREATE TABLE "quarantine_items" (
	"topic" text NOT NULL,
	"partition" integer NOT NULL,
	"offset" bigint NOT NULL,
	"received_at" timestamp with time zone NOT NULL,
	"source_id" text NOT NULL,
	"code" text NOT NULL,
	"message" text NOT NULL,
	"bytes" "bytea" NOT NULL,
	"bytes_received" integer NOT NULL,
	"user_agent" text,
	"is_prefetch" boolean NOT NULL,
	"replayed_at" timestamp with time zone,
	"replay_outcome" jsonb,
	CONSTRAINT "quarantine_items_topic_partition_offset_pk" PRIMARY KEY("topic","partition","offset")
);
--> statement-breakpoint
CREATE TABLE "quarantine_overflow" (
	"topic" text NOT NULL,
	"partition" integer NOT NULL,
	"offset" bigint NOT NULL,
	"received_at" timestamp with time zone NOT NULL,
	"source_id" text NOT NULL,
	"code" text NOT NULL,
	"items" bigint NOT NULL,
	CONSTRAINT "quarantine_overflow_topic_partition_offset_pk" PRIMARY KEY("topic","partition","offset")
);
--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "replaced_by" text;--> statement-breakpoint
ALTER TABLE "source_keys" ADD COLUMN "scopes" text[] DEFAULT '{events}' NOT NULL;--> statement-breakpoint
ALTER TABLE "source_keys" ADD COLUMN "replaced_by" text;--> statement-breakpoint
ALTER TABLE "sources" ADD COLUMN "require_signature" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "sources" ADD COLUMN "events_per_second" integer;--> statement-breakpoint
CREATE INDEX "quarantine_items_received_idx" ON "quarantine_items" USING btree ("received_at");--> statement-breakpoint
CREATE INDEX "quarantine_items_source_idx" ON "quarantine_items" USING btree ("source_id","received_at");--> statement-breakpoint
CREATE INDEX "quarantine_overflow_received_idx" ON "quarantine_overflow" USING btree ("received_at");--> statement-breakpoint
ALTER TABLE "source_keys" ADD CONSTRAINT "source_keys_scopes_known" CHECK ("source_keys"."scopes" <@ '{events,replay}'::text[]);