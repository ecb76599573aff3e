import { MINUTE_MS } from "@trueclick/shared/time";
import { expect, it } from "vitest";
import { BASE_MS, HASH_KEY } from "../testing/fixtures.ts";
import { IdGroup } from "./idGroup.ts";
import { OpenWindows } from "./openWindows.ts";
import { mix } from "./spanHash.ts";

const MEGABYTE = 2 ** 20;
const group = new IdGroup(HASH_KEY);

/** Opens the window of that minute and fills it with so many ids. */
function fill(windows: OpenWindows, minute: number, ids: number): void {
  const window = windows.windowFor(BASE_MS + minute * MINUTE_MS, BigInt(minute));
  for (let serial = 0; serial < ids; serial += 1) {
    const words = [mix(serial), mix(serial ^ 0x9e3779b1), serial, 0];
    group.words.set(words, 0);
    group.list(0, 0, 1);
    window?.ids.admit(1);
  }
  windows.grew(ids);
}

it("gives the memory of a crowded minute back once it is closed and those of its time are too", () => {
  const options = { sizeMs: MINUTE_MS, entriesMax: 1_000_000, idGroup: group };
  const windows = new OpenWindows({ ...options, watermarkMs: Number.NEGATIVE_INFINITY });
  fill(windows, 0, 400_000);
  fill(windows, 1, 10);
  expect(windows.byteLength).toBeGreaterThan(8 * MEGABYTE);

  windows.closeUntil(BASE_MS + MINUTE_MS);
  fill(windows, 2, 10);
  // The second minute lies where the first did.
  expect(windows.byteLength).toBeGreaterThan(8 * MEGABYTE);
  windows.closeUntil(BASE_MS + 2 * MINUTE_MS);
  expect(windows.byteLength).toBeLessThan(MEGABYTE);
});
