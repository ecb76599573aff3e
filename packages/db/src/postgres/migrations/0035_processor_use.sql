CREATE TABLE "engine_counters" (
	"name" text PRIMARY KEY NOT NULL,
	"value" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "processor_use" (
	"program" text NOT NULL,
	"hour" timestamp with time zone NOT NULL,
	"cpu_ms" bigint NOT NULL,
	CONSTRAINT "processor_use_program_hour_pk" PRIMARY KEY("program","hour")
);
