/**
 * P8: twenty million ids, a tenth of them again, into our set and into a `Set` of strings. Ids come
 * to the stream as bytes of a line; a `Set` needs a string made of them, which is part of its work,
 * as the hash is of ours.
 */
import { setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { IdGroup } from "../../apps/aggregator/src/stream/domain/idGroup.ts";
import { IdSet } from "../../apps/aggregator/src/stream/domain/idSet.ts";
import { IdStore } from "../../apps/aggregator/src/stream/domain/idStore.ts";
import { GROUP_LINES } from "../../apps/aggregator/src/stream/domain/lineColumnsLayout.ts";
import { mix } from "../../apps/aggregator/src/stream/domain/spanHash.ts";
import type { Contestant, Figures } from "../harness/rounds.ts";
import { cpuSeconds } from "./cpuTime.ts";
import { mulberry32 } from "./traffic.ts";

const ID_BYTES = 36;
const IDS_A_CHUNK = 100_000;
const DUPLICATE_SHARE = 0.1;

/** Adds the ids of a chunk; how many were added before a limit was met. */
type AddAll = (chunk: Buffer) => number;

function rounds(name: string, ids: number, open: () => AddAll): Contestant {
  return {
    name,
    run: async () => {
      const before = await memory();
      const addAll = open();
      const random = mulberry32(7);
      let [added, seconds] = [0, 0];
      for (let from = 0; from < ids; from += IDS_A_CHUNK) {
        const chunk = chunkOf(from, random);
        const startedS = cpuSeconds();
        const taken = addAll(chunk);
        seconds += cpuSeconds() - startedS;
        added += taken;
        if (taken < IDS_A_CHUNK) break;
      }
      const figures: Figures = {
        adds_per_cpu_s: added / seconds,
        bytes_per_id: ((await memory()) - before) / (added * (1 - DUPLICATE_SHARE)),
        ids_taken: added,
      };
      // Kept until it is measured.
      addAll(Buffer.alloc(0));
      return figures;
    },
  };
}

export function idContestants(ids: number): Contestant[] {
  return [
    rounds("IdSet", ids, () => {
      const group = new IdGroup(Int32Array.of(1, 2, 3, 4));
      const set = new IdSet(new IdStore(group));
      return (chunk) => admitAll(chunk, group, set);
    }),
    rounds("Set<string>", ids, () => {
      const set = new Set<string>();
      return (chunk) => {
        let at = 0;
        try {
          for (; at < chunk.length; at += ID_BYTES) {
            set.add(chunk.toString("latin1", at, at + ID_BYTES));
          }
        } catch (error) {
          // V8's hash tables end at a fixed size.
          if (!(error instanceof RangeError)) throw error;
        }
        return at / ID_BYTES;
      };
    }),
  ];
}

/** Ids as the engine takes them: those of some lines are hashed and admitted together. */
function admitAll(chunk: Buffer, group: IdGroup, set: IdSet): number {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
  const ids = chunk.length / ID_BYTES;
  for (let from = 0; from < ids; from += GROUP_LINES) {
    const some = Math.min(GROUP_LINES, ids - from);
    for (let id = 0; id < some; id += 1) {
      const at = (from + id) * ID_BYTES;
      group.setText(id, view, at, at + ID_BYTES);
    }
    group.hash(some);
    for (let id = 0; id < some; id += 1) {
      group.list(id, id, 1);
    }
    set.admit(some);
  }
  return ids;
}

const HEX = Buffer.from("0123456789abcdef");
/** Where the digits of a UUID's four words stand. */
const DIGITS = Int32Array.from(
  [...Array(ID_BYTES).keys()].filter((place) => ![8, 13, 18, 23].includes(place)),
);

/** Ids like UUIDs, as bytes; a tenth are those of earlier serials. */
function chunkOf(from: number, random: () => number): Buffer {
  const chunk = Buffer.alloc(IDS_A_CHUNK * ID_BYTES, "-");
  for (let at = 0; at < IDS_A_CHUNK; at += 1) {
    const again = from > 0 && random() < DUPLICATE_SHARE;
    const serial = again ? Math.floor(random() * from) : from + at;
    for (let word = 0; word < 4; word += 1) {
      const bits = mix(serial ^ (word * 0x9e3779b1));
      for (let digit = 0; digit < 8; digit += 1) {
        const place = DIGITS[8 * word + digit] ?? 0;
        chunk[at * ID_BYTES + place] = HEX[(bits >>> (4 * digit)) & 15] ?? 0;
      }
    }
  }
  return chunk;
}

setFlagsFromString("--expose-gc");
const collectGarbage: unknown = runInNewContext("gc");

const COLLECTIONS_MAX = 10;
/** Array buffers are let go of by a thread of their own, after the collection. */
const SWEEP_MS = 50;

/** Bytes that are in use, once collecting garbage frees no more. */
async function memory(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < COLLECTIONS_MAX; turn += 1) {
    if (typeof collectGarbage === "function") collectGarbage();
    await setTimeout(SWEEP_MS);
    const { heapUsed, external } = process.memoryUsage();
    if (heapUsed + external > 0.999 * least) break;
    least = heapUsed + external;
  }
  return least;
}
