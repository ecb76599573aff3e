CREATE TABLE "lease_members" (
	"lease_group" text NOT NULL,
	"member" text NOT NULL,
	"instance" text,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "lease_members_lease_group_member_pk" PRIMARY KEY("lease_group","member")
);
--> statement-breakpoint
CREATE TABLE "partition_leases" (
	"lease_group" text NOT NULL,
	"partition" integer NOT NULL,
	"holder" text,
	"expires_at" timestamp with time zone,
	CONSTRAINT "partition_leases_lease_group_partition_pk" PRIMARY KEY("lease_group","partition")
);
--> statement-breakpoint
CREATE INDEX "partition_leases_holder_idx" ON "partition_leases" USING btree ("lease_group","holder");