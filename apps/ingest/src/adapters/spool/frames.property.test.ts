import fc from "fast-check";
import { expect, it } from "vitest";
import { FRAME_HEADER_BYTES, readFrames, toFrame } from "./frames.ts";

const block = fc.record({
  partition: fc.nat(0xff_ff_ff_ff),
  partitionCount: fc.nat(0xff_ff_ff_ff),
  // What a sender controls is UTF-8.
  value: fc.string({ unit: "binary" }).map((text) => Buffer.from(text)),
});
const blocks = fc.array(block, { maxLength: 8 });

it("gives back what was framed", () => {
  fc.assert(
    fc.property(blocks, (written) => {
      const bytes = Buffer.concat(written.map(toFrame));
      expect(readFrames(bytes)).toEqual({ blocks: written, tornBytes: 0, damagedBytes: 0 });
    }),
  );
});

// A process may die, and a disk fill up, at any byte of a write.
it("gives back every whole frame before a torn tail, wherever it is torn", () => {
  fc.assert(
    fc.property(blocks, fc.nat(), (written, cut) => {
      const frames = written.map(toFrame);
      const bytes = Buffer.concat(frames);
      const end = cut % (bytes.length + 1);
      let wholeBytes = 0;
      const whole = written.filter((_block, index) => {
        const frameEnd = frames.slice(0, index + 1).reduce((sum, { length }) => sum + length, 0);
        if (frameEnd <= end) wholeBytes = frameEnd;
        return frameEnd <= end;
      });
      const read = readFrames(bytes.subarray(0, end));
      expect(read).toEqual({ blocks: whole, tornBytes: end - wholeBytes, damagedBytes: 0 });
      // A file system may show zeros where it had reserved the space and not written it.
      const padded = readFrames(Buffer.concat([bytes.subarray(0, end), Buffer.alloc(64)]));
      expect([padded.blocks.length, padded.damagedBytes]).toEqual([whole.length, 0]);
    }),
  );
});

it("loses only the frame whose bytes were changed", () => {
  fc.assert(
    fc.property(
      blocks,
      block,
      blocks,
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (before, hit, after, at, flip) => {
        const frame = toFrame(hit);
        const place = at % frame.length;
        frame.writeUInt8(frame.readUInt8(place) ^ flip, place);
        const bytes = Buffer.concat([...before.map(toFrame), frame, ...after.map(toFrame)]);
        const read = readFrames(bytes);
        expect(read.blocks).toEqual([...before, ...after]);
        expect(read.tornBytes + read.damagedBytes).toBe(FRAME_HEADER_BYTES + hit.value.length);
        // Behind whole frames nothing was torn: what is missing there had been synced.
        if (after.length > 0) expect(read.tornBytes).toBe(0);
      },
    ),
  );
});
