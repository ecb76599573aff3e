import { sourceIdSchema } from "@trueclick/shared/ids";
import { beforeEach, describe, expect, it } from "vitest";
import {
  type KeyDirectory,
  KeyDirectoryUnavailableError,
  type SourceKey,
} from "../ports/keyDirectory.ts";
import { CachedKeyDirectory } from "./cachedKeyDirectory.ts";

const LIMITS = {
  ttlMs: 10_000,
  staleMaxMs: 3_600_000,
  entriesMax: 3,
  lookupsMax: 2,
  lookupTimeoutMs: 1_000,
  retryAfterMs: 500,
};

const KEY: SourceKey = {
  id: "key_1",
  source: { id: sourceIdSchema.parse("src_1"), speaksForUsers: false, requireToken: false },
  scopes: ["events"],
  requireSignature: false,
  expiresAtMs: null,
  signingSecret: null,
  allowedOrigins: null,
};

/** A directory in memory that can be switched off and counts how often it is asked. */
class SwitchedDirectory implements KeyDirectory {
  readonly keys = new Map([["good", KEY]]);
  isUp = true;
  asked = 0;

  find(keySha256: string): Promise<SourceKey | null> {
    this.asked += 1;
    return this.isUp
      ? Promise.resolve(this.keys.get(keySha256) ?? null)
      : Promise.reject(new KeyDirectoryUnavailableError("off"));
  }

  findSource(): Promise<null> {
    return Promise.resolve(null);
  }

  ping(): Promise<void> {
    return Promise.resolve();
  }
}

let nowMs = 0;
let directory: SwitchedDirectory;
let cached: CachedKeyDirectory;
beforeEach(() => {
  nowMs = 1_000_000;
  directory = new SwitchedDirectory();
  cached = new CachedKeyDirectory(directory, LIMITS, () => nowMs);
});

describe("CachedKeyDirectory", () => {
  it("asks once within the time to live, for good keys and unknown ones alike", async () => {
    for (const key of ["good", "good", "guess", "guess"]) await cached.find(key);
    expect(directory.asked).toBe(2);
  });

  it("shares one lookup between requests that come at once", async () => {
    const found = await Promise.all([
      cached.find("good"),
      cached.find("good"),
      cached.find("good"),
    ]);
    expect(found).toEqual([KEY, KEY, KEY]);
    expect(directory.asked).toBe(1);
  });

  it("knows how old its youngest answer is", async () => {
    expect(cached.ageMs()).toBeNull();
    await cached.find("good");
    nowMs += 700;
    expect(cached.ageMs()).toBe(700);
  });

  it("forgets a revoked key once the time to live is over", async () => {
    await cached.find("good");
    directory.keys.delete("good");
    nowMs += LIMITS.ttlMs;
    expect(await cached.find("good")).toBeNull();
  });

  it("recalls a good key as long as nobody has to be asked, and asks nobody", async () => {
    expect(cached.recall("good")).toBeNull();
    await cached.find("good");
    await cached.find("guess");
    expect(cached.recall("good")).toEqual(KEY);
    expect(cached.recall("guess")).toBeNull();
    nowMs += LIMITS.ttlMs - 1;
    directory.keys.delete("good");
    expect(cached.recall("good")).toEqual(KEY);
    nowMs += 1;
    expect(cached.recall("good")).toBeNull();
    await cached.find("good");
    expect(cached.recall("good")).toBeNull();
    expect(directory.asked).toBe(3);
  });

  // A restart of the database must not stop clicks, and must not let strangers in.
  it("believes known keys and no others while the directory is down", async () => {
    await cached.find("good");
    await cached.find("guess");
    directory.isUp = false;
    nowMs += LIMITS.ttlMs;
    expect(await cached.find("good")).toEqual(KEY);
    await expect(cached.find("guess")).rejects.toThrow(KeyDirectoryUnavailableError);
    await expect(cached.find("new")).rejects.toThrow(KeyDirectoryUnavailableError);
    nowMs += LIMITS.staleMaxMs;
    await expect(cached.find("good")).rejects.toThrow(KeyDirectoryUnavailableError);
  });

  it("leaves a directory alone after a failure, and asks again after a while", async () => {
    directory.isUp = false;
    await expect(cached.find("good")).rejects.toThrow(KeyDirectoryUnavailableError);
    directory.isUp = true;
    await expect(cached.find("good")).rejects.toThrow(KeyDirectoryUnavailableError);
    expect(directory.asked).toBe(1);
    nowMs += LIMITS.retryAfterMs;
    expect(await cached.find("good")).toEqual(KEY);
  });

  it("keeps a good key through a flood of guesses", async () => {
    await cached.find("good");
    for (let guess = 0; guess < 10 * LIMITS.entriesMax; guess += 1) await cached.find(`g${guess}`);
    directory.isUp = false;
    expect(await cached.find("good")).toEqual(KEY);
  });

  it("bounds the lookups under way", async () => {
    const first = Promise.all([cached.find("a"), cached.find("b")]);
    await expect(cached.find("c")).rejects.toThrow(KeyDirectoryUnavailableError);
    expect(await first).toEqual([null, null]);
  });
});
