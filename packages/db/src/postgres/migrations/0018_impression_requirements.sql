CREATE TABLE "impression_requirements" (
	"campaign_id" text NOT NULL,
	"effective_from" timestamp with time zone NOT NULL,
	"required" boolean NOT NULL,
	"created_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "impression_requirements_campaign_id_effective_from_pk" PRIMARY KEY("campaign_id","effective_from")
);
--> statement-breakpoint
ALTER TABLE "impression_requirements" ADD CONSTRAINT "impression_requirements_campaign_id_campaigns_id_fk" FOREIGN KEY ("campaign_id") REFERENCES "public"."campaigns"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
INSERT INTO "impression_requirements" ("campaign_id", "effective_from", "required") SELECT "id", to_timestamp(0), true FROM "campaigns" WHERE "requires_impression";--> statement-breakpoint
ALTER TABLE "campaigns" DROP COLUMN "requires_impression";