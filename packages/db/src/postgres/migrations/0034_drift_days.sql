CREATE TABLE "drift_days" (
	"day" date PRIMARY KEY NOT NULL,
	"state" text NOT NULL,
	"looked_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
