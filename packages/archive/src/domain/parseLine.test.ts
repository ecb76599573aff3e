import { DAY_MS, HOUR_MS } from "@trueclick/shared/time";
import { expect, it } from "vitest";
import { NOON_MS, storedEvent } from "../testing/storedEvents.ts";
import { parseLine } from "./parseLine.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const click = (eventTimeMs: number) =>
  storedEvent({ event_id: "evt-0001", event_time: eventTimeMs });

it("reads a stored event as it was sent", () => {
  const event = click(NOON_MS);
  expect(parseLine(bytes(JSON.stringify(event)), NOON_MS)).toEqual(event);
});

// Each would otherwise end the archive, or be counted at a time that nobody meant.
it.each([
  ["no JSON", bytes("{")],
  ["no UTF-8", Uint8Array.of(0x22, 0xff, 0x22)],
  ["no event", bytes("[]")],
  [
    "an event time 60 days before its append",
    bytes(JSON.stringify(click(NOON_MS - 60 * DAY_MS - 1))),
  ],
  ["an event time an hour ahead", bytes(JSON.stringify(click(NOON_MS + HOUR_MS + 1)))],
])("keeps a line with %s as unparseable", (_what, line) => {
  expect(parseLine(line, NOON_MS)).toBeNull();
});
