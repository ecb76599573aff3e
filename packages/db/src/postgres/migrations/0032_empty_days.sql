CREATE TABLE "empty_day_looks" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"topic" text NOT NULL,
	"read_through" timestamp with time zone NOT NULL,
	"next_offsets" jsonb NOT NULL,
	"looked_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "empty_day_spans" (
	"advertiser_id" text PRIMARY KEY NOT NULL,
	"days" datemultirange NOT NULL
);
--> statement-breakpoint
CREATE TABLE "empty_days" (
	"advertiser_id" text NOT NULL,
	"billing_day" date NOT NULL,
	"look_id" bigint NOT NULL,
	"shown_at" timestamp with time zone DEFAULT now() NOT NULL,
	"refuted_at" timestamp with time zone,
	CONSTRAINT "empty_days_advertiser_id_billing_day_pk" PRIMARY KEY("advertiser_id","billing_day")
);
--> statement-breakpoint
CREATE TABLE "log_ends" (
	"topic" text NOT NULL,
	"partition" integer NOT NULL,
	"end_offset" bigint NOT NULL,
	"seen_at" timestamp with time zone NOT NULL,
	CONSTRAINT "log_ends_topic_partition_pk" PRIMARY KEY("topic","partition")
);
--> statement-breakpoint
ALTER TABLE "empty_day_spans" ADD CONSTRAINT "empty_day_spans_advertiser_id_advertisers_id_fk" FOREIGN KEY ("advertiser_id") REFERENCES "public"."advertisers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "empty_days" ADD CONSTRAINT "empty_days_advertiser_id_advertisers_id_fk" FOREIGN KEY ("advertiser_id") REFERENCES "public"."advertisers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "empty_days" ADD CONSTRAINT "empty_days_look_id_empty_day_looks_id_fk" FOREIGN KEY ("look_id") REFERENCES "public"."empty_day_looks"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "empty_days_refuted_idx" ON "empty_days" USING btree ("billing_day") WHERE "empty_days"."refuted_at" is not null;