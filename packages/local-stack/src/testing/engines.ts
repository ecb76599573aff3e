/** What an integration test asks for: a database of its own on the engines that all share. */
import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { inject } from "vitest";
// Brings the types of what the global setup provides.
import type {} from "./globalSetup.ts";

export interface TestDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** An empty Postgres database. Drop it once its connections are closed. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const adminUrl = inject("postgresUrl");
  const name = uniqueName();
  await administrate(adminUrl, `create database ${name}`);
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
  return { url: url.href, drop: () => ask(serverUrl, `DROP DATABASE IF EXISTS ${name} SYNC`) };
}

/** An empty folder that the shared ClickHouse can read, to serve as object store. */
export async function createTestObjectsDir(): Promise<string> {
  const dir = join(inject("objectsDir"), uniqueName());
  await mkdir(dir, { recursive: true });
  return dir;
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
