/** What an integration test asks for: a database of its own on the engines that all share. */
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { inject } from "vitest";
import { type LocalS3, localS3Available, startLocalS3 } from "../s3/localS3.ts";
// Brings the types of what the global setup provides.
import type {} from "./globalSetup.ts";

export interface TestDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/**
 * A Postgres database. Drop it once its connections are closed.
 *
 * @param template The name of one that nobody is connected to, to copy; an empty one without.
 */
export async function createTestDatabase(template?: string): Promise<TestDatabase> {
  const adminUrl = inject("postgresUrl");
  const name = uniqueName();
  const like = template === undefined ? "" : ` template ${template}`;
  await administrate(adminUrl, `create database ${name}${like}`);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: () => administrate(adminUrl, `drop database if exists ${name} with (force)`),
  };
}

/** An empty ClickHouse database; `url` names it. */
export async function createTestClickHouseDatabase(): Promise<TestDatabase> {
  const serverUrl = inject("clickhouseUrl");
  const name = uniqueName();
  await ask(serverUrl, `CREATE DATABASE ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  // Its files go when the engine has time, or with the engine.
  return { url: url.href, drop: () => ask(serverUrl, `DROP DATABASE IF EXISTS ${name}`) };
}

/** An empty folder that the shared ClickHouse can read, to serve as object store. */
export async function createTestObjectsDir(): Promise<string> {
  const dir = join(inject("objectsDir"), uniqueName());
  await mkdir(dir, { recursive: true });
  return dir;
}

export interface TestS3 extends LocalS3 {
  /** Ends the server and removes its folder. */
  drop(): Promise<void>;
}

/**
 * A server of the S3 API with an empty bucket, or why there is none. Not shared by the whole run:
 * few files need it, and it takes seconds to start.
 *
 * @throws {Error} where there is none and must be one: in continuous integration.
 */
export async function startTestS3(): Promise<
  { readonly s3: TestS3; readonly missing: null } | { readonly s3: null; readonly missing: string }
> {
  const available = await localS3Available();
  if (!available.ok) {
    if (process.env["CI"] === "true") {
      throw new Error(`the tests need an S3 server, and here is none: ${available.reason}`);
    }
    return { s3: null, missing: available.reason };
  }
  const dir = await mkdtemp(join(tmpdir(), "trueclick-s3-"));
  const s3 = await startLocalS3({ dir, bucket: "archive", log: () => {} });
  const drop = async () => {
    await s3.stop();
    await rm(dir, { recursive: true, force: true });
  };
  return { s3: { ...s3, drop }, missing: null };
}

/** The shared broker, or null with the reason said at the start of the run. */
export function kafkaBrokers(): string | null {
  return inject("kafka").brokers;
}

function uniqueName(): string {
  return `test_${randomBytes(6).toString("hex")}`;
}

async function administrate(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

async function ask(url: string, statement: string): Promise<void> {
  const answer = await fetch(new URL("/", url), { method: "POST", body: statement });
  if (!answer.ok) throw new Error(await answer.text());
}
