import { beforeEach, describe, expect, it } from "vitest";
import { clickClaims, mintFor } from "../testing/clickToken.ts";
import { RefreshedTokenKeys, type TokenSecrets } from "./refreshedTokenKeys.ts";

const NOW_MS = Date.UTC(2026, 5, 1, 12);
const HOUR_MS = 3_600_000;
const [OLD, NEW, OWN] = ["the old secret, long", "the new secret, long", "of the edge, long"].map(
  (text) => Buffer.from(text),
);
if (OLD === undefined || NEW === undefined || OWN === undefined) throw new Error("Three secrets");

let record: TokenSecrets;
let isUp: boolean;
let nowMs: number;
let faults: unknown[];
beforeEach(() => {
  [record, isUp, nowMs, faults] = [new Map([["old", OLD]]), true, NOW_MS, []];
});

const create = (fixed: TokenSecrets = new Map()) =>
  new RefreshedTokenKeys({
    fixed,
    load: async () => {
      if (!isUp) throw new Error("down");
      return record;
    },
    nowMs: () => nowMs,
    ...{ refreshMs: 5_000, loadTimeoutMs: 1_000, staleMaxMs: HOUR_MS },
    onFault: (error) => faults.push(error),
  });
const claims = { ...clickClaims(NOW_MS), expiresAtS: NOW_MS / 1_000 + 86_400 };
const old = mintFor(claims, OLD, "old");
const young = mintFor(claims, NEW, "new");
const kinds = (keys: RefreshedTokenKeys) =>
  [old, young].map((token) => keys.verify(token, nowMs).kind);

describe("keys of click tokens", () => {
  it("change without a restart: both are good for a while, then the new one alone", async () => {
    const keys = create();
    await keys.refresh();
    expect(kinds(keys)).toEqual(["ok", "bad"]);
    record = new Map([...record, ["new", NEW]]);
    await keys.refresh();
    expect(kinds(keys)).toEqual(["ok", "ok"]);
    record = new Map([["new", NEW]]);
    await keys.refresh();
    expect(kinds(keys)).toEqual(["bad", "ok"]);
  });

  // The most that a thief could hope for of an outage.
  it("stay as they are while the record is down, and not for ever", async () => {
    const keys = create();
    await keys.refresh();
    isUp = false;
    nowMs += HOUR_MS;
    await keys.refresh();
    expect([kinds(keys), keys.areKnown(), faults.length]).toEqual([["ok", "bad"], true, 1]);
    nowMs += 1;
    await keys.refresh();
    expect([kinds(keys), keys.areKnown()]).toEqual([["unjudged", "unjudged"], false]);
  });

  // A click that is called bad is a click that nobody pays for.
  it("call no token bad before they are known, nor where there are none", async () => {
    isUp = false;
    const keys = create(new Map([["own", OWN]]));
    await keys.refresh();
    expect(kinds(keys)).toEqual(["unjudged", "unjudged"]);
    expect(keys.verify(mintFor(claims, OWN, "own"), nowMs).kind).toBe("ok");
    [isUp, record] = [true, new Map()];
    const none = create();
    await none.refresh();
    expect([kinds(none), none.areKnown()]).toEqual([["unjudged", "unjudged"], true]);
  });
});
