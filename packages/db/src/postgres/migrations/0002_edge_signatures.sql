CREATE TABLE "edge_nonces" (
	"key_id" text NOT NULL,
	"nonce" text NOT NULL,
	"status" integer NOT NULL,
	"body" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "edge_nonces_key_id_nonce_pk" PRIMARY KEY("key_id","nonce")
);
--> statement-breakpoint
ALTER TABLE "source_keys" ADD COLUMN "signing_secret" text;--> statement-breakpoint
ALTER TABLE "edge_nonces" ADD CONSTRAINT "edge_nonces_key_id_source_keys_id_fk" FOREIGN KEY ("key_id") REFERENCES "public"."source_keys"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "edge_nonces_expiry_idx" ON "edge_nonces" USING btree ("expires_at");