/** The demo's accounts and keys. */
import type { Database } from "@trueclick/db/postgres/database";
import { accounts, advertiserMembers, userRoles, users } from "@trueclick/db/postgres/schema/auth";
import { apiKeys, sourceKeys, sources } from "@trueclick/db/postgres/schema/keys";
import type { Role } from "@trueclick/shared/access";
import { advertiserIdSchema, sourceIdSchema } from "@trueclick/shared/ids";
import { hashPassword } from "better-auth/crypto";
import { sha256Hex } from "../../keys/hash.ts";
import type { DemoFile } from "../../stack/stackFile.ts";
import type { Secrets } from "../../start/secrets.ts";
import { DEMO_MEMBER_ADVERTISER } from "../domain/organisation.ts";

export const DEMO_SOURCE_ID = sourceIdSchema.parse("demo-server");

interface DemoAccount {
  readonly role: Role;
  readonly secret: keyof Secrets["demoPasswords"];
  readonly name: string;
  readonly email: string;
}

const ACCOUNTS: readonly DemoAccount[] = [
  {
    role: "advertiser",
    secret: "advertiser",
    name: "Mara Acme",
    email: "marketing@acme.example",
  },
  {
    role: "account_manager",
    secret: "accountManager",
    name: "Avery Manager",
    email: "accounts@trueclick.example",
  },
  {
    role: "engineer",
    secret: "engineer",
    name: "Ellis Engineer",
    email: "engineer@trueclick.example",
  },
];

/** What to sign in with, as `demo.json` and the start block tell it. */
export function demoLogins(secrets: Secrets): DemoFile["logins"] {
  return ACCOUNTS.map(({ email, role, secret }) => ({
    email,
    password: secrets.demoPasswords[secret],
    role,
  }));
}

/**
 * Writes accounts, the source and all keys, in one transaction. Keys and passwords are brought to
 * what the data folder's secrets say, so that what the start block prints always opens the door;
 * a key that somebody revoked stays revoked.
 */
export async function seedAccess(db: Database, secrets: Secrets): Promise<void> {
  const hashes = await Promise.all(
    ACCOUNTS.map(({ secret }) => hashPassword(secrets.demoPasswords[secret])),
  );
  await db.transaction(async (transaction) => {
    for (const [index, account] of ACCOUNTS.entries()) {
      await seedAccount(transaction, account, hashes[index] ?? "");
      await seedApiKey(transaction, account, secrets.demoApiKeys[account.secret]);
    }
    await seedSource(transaction, secrets.demoSourceKey);
  });
}

type Writer = Pick<Database, "insert">;
const MEMBER_ADVERTISER_ID = advertiserIdSchema.parse(DEMO_MEMBER_ADVERTISER.id);

async function seedAccount(db: Writer, account: DemoAccount, password: string): Promise<void> {
  const { role, name, email } = account;
  const userId = `demo-${role}`;
  await db
    .insert(users)
    .values({ id: userId, name, email, emailVerified: true })
    .onConflictDoNothing();
  await db
    .insert(accounts)
    .values({ id: userId, accountId: userId, providerId: "credential", userId, password })
    .onConflictDoUpdate({ target: accounts.id, set: { password } });
  await db.insert(userRoles).values({ userId, role }).onConflictDoNothing();
  if (role === "advertiser") {
    await db
      .insert(advertiserMembers)
      .values({ userId, advertiserId: MEMBER_ADVERTISER_ID })
      .onConflictDoNothing();
  }
}

async function seedApiKey(db: Writer, { role }: DemoAccount, key: string): Promise<void> {
  const keySha256 = sha256Hex(key);
  const advertiserId = role === "advertiser" ? MEMBER_ADVERTISER_ID : null;
  await db
    .insert(apiKeys)
    .values({ id: `demo-${role}`, name: `Demo, ${role}`, keySha256, role, advertiserId })
    .onConflictDoUpdate({ target: apiKeys.id, set: { keySha256 } });
}

/** A server that speaks for its users, so that the demo's addresses and browsers are believed. */
async function seedSource(db: Writer, key: string): Promise<void> {
  const keySha256 = sha256Hex(key);
  await db
    .insert(sources)
    .values({ id: DEMO_SOURCE_ID, name: "Demo ad server", speaksForUsers: true })
    .onConflictDoNothing();
  await db
    .insert(sourceKeys)
    .values({ id: "demo-server", sourceId: DEMO_SOURCE_ID, keySha256 })
    .onConflictDoUpdate({ target: sourceKeys.id, set: { keySha256 } });
}
