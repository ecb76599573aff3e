CREATE TABLE "batch_job_slices" (
	"job_id" bigint NOT NULL,
	"first_hour" timestamp with time zone NOT NULL,
	"hours" bigint[] NOT NULL,
	"inputs_hash" char(64) NOT NULL,
	"events" bigint NOT NULL,
	"build_id" bigint NOT NULL,
	CONSTRAINT "batch_job_slices_job_id_first_hour_pk" PRIMARY KEY("job_id","first_hour")
);
--> statement-breakpoint
ALTER TABLE "batch_jobs" ADD COLUMN "full" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "batch_job_slices" ADD CONSTRAINT "batch_job_slices_job_id_batch_jobs_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."batch_jobs"("id") ON DELETE cascade ON UPDATE no action;