/** P8: twenty million ids, a tenth of them again, into our set and into a `Set` of strings. */
import { IdSet } from "../../apps/aggregator/src/stream/domain/idSet.ts";
import { IdHash } from "../../apps/aggregator/src/stream/domain/spanHash.ts";
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
      globalThis.gc?.();
      const before = memory();
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
      globalThis.gc?.();
      const figures: Figures = {
        adds_per_cpu_s: added / seconds,
        bytes_per_id: (memory() - before) / (added * (1 - DUPLICATE_SHARE)),
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
      const hash = new IdHash(Int32Array.of(1, 2, 3, 4));
      const set = new IdSet();
      return (chunk) => {
        const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
        for (let at = 0; at < chunk.length; at += ID_BYTES) {
          hash.hash(view, at, at + ID_BYTES);
          set.admit(hash.word0, hash.word1, hash.word2, hash.word3, 1);
        }
        return chunk.length / ID_BYTES;
      };
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

/** Ids like UUIDs, as bytes; a tenth are those of earlier serials. */
function chunkOf(from: number, random: () => number): Buffer {
  const chunk = Buffer.alloc(IDS_A_CHUNK * ID_BYTES, "-");
  for (let at = 0; at < IDS_A_CHUNK; at += 1) {
    const again = from > 0 && random() < DUPLICATE_SHARE;
    const serial = again ? Math.floor(random() * from) : from + at;
    const spread = (Math.imul(serial, 0x9e3779b1) >>> 0).toString(16).padStart(8, "0");
    const low = serial.toString(16).padStart(8, "0");
    const id = `${spread}-${low.slice(0, 4)}-4${low.slice(4, 7)}-8${low.slice(5)}-${low}${spread.slice(4)}`;
    chunk.write(id, at * ID_BYTES, "latin1");
  }
  return chunk;
}

function memory(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
