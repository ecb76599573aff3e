import { type StoredEvent, storedEventSchema } from "@trueclick/shared/event/stored";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { blockOf, storedClick } from "../testing/fixtures.ts";
import { storedLine } from "../testing/storedLineArbitrary.ts";
import { BlockReader, LINE } from "./blockReader.ts";
import { ALL_FIELDS, LineScanner } from "./lineScanner.ts";
import { LineShapes } from "./lineShapes.ts";
import { parseStreamEvent, type StreamEvent } from "./streamEvent.ts";
import { UNUSUAL } from "./valueScanner.ts";

const bytes = (line: string) => new TextEncoder().encode(line);

/** As it reads in bytes: a lone surrogate has none of its own. */
function wellFormed(event: StreamEvent | null): StreamEvent | null {
  if (event === null) return null;
  const { campaignId, adId, publisherId, userId, geo } = event;
  return {
    ...event,
    campaignId: campaignId.toWellFormed(),
    adId: adId.toWellFormed(),
    publisherId: publisherId.toWellFormed(),
    userId: userId.toWellFormed(),
    geo: geo.toWellFormed(),
  };
}

/** What the scanner makes of a line that stands alone; undefined where it leaves it to others. */
function scanned(line: Uint8Array): StreamEvent | undefined {
  const scanner = new LineScanner();
  scanner.open(line);
  return scanner.scan(0) === line.length ? scanner.spans.toEvent() : undefined;
}

function read(block: Uint8Array, reader = new BlockReader()): (StreamEvent | null)[] {
  const events: (StreamEvent | null)[] = [];
  reader.open(block);
  while (!reader.isAtEnd) {
    const line = reader.next();
    if (line !== LINE.empty) events.push(line === LINE.event ? reader.spans.toEvent() : null);
  }
  return events;
}

// Were the two to differ on any line, what an event counts as would depend on how it was spelled.
describe("the scanner", () => {
  it("reads a line as JSON.parse does, or leaves it to it", () => {
    fc.assert(
      fc.property(storedLine, (line) => {
        const event = scanned(bytes(line));
        if (event !== undefined) expect(event).toEqual(wellFormed(parseStreamEvent(bytes(line))));
      }),
      { numRuns: 5_000 },
    );
  });

  it("reads what the edge writes without asking", () => {
    const whole = storedEventSchema.parse({
      ...storedClick(),
      user_agent: "Mozilla/5.0 (X11; Linux x86_64) 'quoted' ~",
      ip_hash: "0123456789abcdef",
      ip_net: "192.0.2.0/24",
      impression_id: "imp-1",
      click_id: "clk-1",
      conversion_value_micros: 1_500_000,
      token: "v1.k.p.s",
      test: true,
    });
    for (const event of [storedClick(), whole]) {
      const line = bytes(JSON.stringify(event));
      expect(scanned(line)).toEqual(parseStreamEvent(line));
    }
  });

  it("reads of a known shape what is wanted alone, wherever it stands", () => {
    const scanner = new LineScanner(["ad_id", "event_time"], new LineShapes());
    const lines = [1, 22, 333].map((serial) =>
      JSON.stringify({
        ...{ ad_id: `ad_${serial}`, ...storedClick({ event_time: serial }) },
        ...{ event_id: `evt-${serial}-0000`, user_id: undefined, ad_id: `ad_${serial}` },
      }),
    );
    const block = bytes(lines.join("\n"));
    scanner.open(block);
    let at = 0;
    for (const serial of [1, 22, 333]) {
      at = scanner.scan(at) + 1;
      const { adId, eventTimeMs } = scanner.spans.toEvent();
      expect([adId, eventTimeMs]).toEqual([`ad_${serial}`, serial]);
    }
    expect(at).toBe(block.length + 1);
  });

  it.each<[string, string]>([
    ["a field twice", '"geo":"DE","geo":"FR"'],
    ["an escape", '"geo":"\\u0044E"'],
    ["a letter beyond ASCII", '"geo":"ÖE"'],
    ["a space between the parts", '"geo": "DE"'],
    ["a fraction", '"event_time":1.5'],
    ["a sign", '"event_time":-1'],
    ["a leading zero", '"event_time":01'],
    ["more digits than are exact", '"event_time":9007199254740993'],
    ["a control character", '"geo":"D\u0001"'],
    ["an unheard-of field", '"unheard_of":1,"geo":"DE"'],
    ["a nested field", '"ext":{},"geo":"DE"'],
  ])("leaves %s to the parser", (_what, field) => {
    const plain = JSON.stringify(storedClick({ geo: "DE", event_time: 1_000 }));
    const name = field.startsWith('"event_time"') ? '"event_time":1000' : '"geo":"DE"';
    const scanner = new LineScanner();
    const line = bytes(plain.replace(name, field));
    scanner.open(line);
    expect(scanner.scan(0)).toBe(UNUSUAL);
  });
});

describe("a block", () => {
  const ending = fc.constantFrom("\n", "\n", "\r\n", "\n\n");

  it("is read line by line as each line is alone, whatever stands beside it", () => {
    const line = fc.tuple(storedLine, ending);
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
        const single = lines.map(([text]) => text.replaceAll(/[\r\n]/g, " "));
        const block = single.map((text, at) => text + (lines[at]?.[1] ?? "")).join("");
        const expected = single
          .filter((text) => text !== "")
          .map((text) => wellFormed(parseStreamEvent(bytes(text))));
        expect(read(bytes(block))).toEqual(expected);
      }),
      { numRuns: 1_000 },
    );
  });

  // A shape is learnt from one line and believed of the next.
  it("takes nothing for what an earlier line had at its place", () => {
    const { event_id, ...others } = storedClick();
    const line = JSON.stringify({ ...others, event_id });
    const neighbours = [`${line}\r`, line, `${line}x`, line.replace("{", "{ "), line];
    for (const damaged of [
      ...[line.replace(event_id, 'evt-0000"1'), line.replace('"}', '"1}'), line.replace("}", "")],
      ...[line.replace('":"', '":1"'), line.replace(',"', ',1"'), line.replace("{", "{1,")],
      ...[line.replace('"geo":"DE"', '"geo":"DEU"'), line.replace('"test"', '"tset"')],
      ...[
        `x${line}`,
        `${line}}`,
        line.replace('"mobile"', '"mobil"'),
        line.replace("ad_id", "AD_ID"),
      ],
      ...[line.replace('"event_id":"', '"event_id": "'), line.replace("evt-", "evt ")],
      ...["0", "a", "-1", "1.5", "01", "1e0", ""].map((version) => {
        return line.replace('"schema_version":1', `"schema_version":${version}`);
      }),
      ...[
        line.replace('"event_type":"click"', '"event_type":"clack"'),
        line.replace('"click"', '""'),
      ],
    ]) {
      const lines = [...neighbours, damaged, ...neighbours, damaged];
      const alone = lines.map((text) => parseStreamEvent(bytes(text.replace(/\r$/, ""))));
      const reader = new BlockReader(new LineScanner(ALL_FIELDS, new LineShapes()));
      expect(read(bytes(lines.join("\n")), reader)).toEqual(alone);
    }
  });

  it("takes any bytes for lines, never for a fault", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (block) => {
        for (const event of read(block)) expect(event).toBeNull();
      }),
    );
  });

  it("reads a line that is cut anywhere as no event, and the next one whole", () => {
    const [first, second]: StoredEvent[] = [
      storedClick(),
      storedClick({ event_id: "evt-00000002" }),
    ];
    const whole = JSON.stringify(first);
    for (let length = 1; length < whole.length; length += 1) {
      const [cut, next] = read(blockOf([whole.slice(0, length), second ?? ""]));
      expect([cut, next?.eventId]).toEqual([null, "evt-00000002"]);
    }
  });
});
