import type { AdvertiserId } from "@trueclick/shared/ids";
import { CUBES, type OpenCell, openCell } from "./cubes.ts";
import { payloadHash } from "./payload.ts";
import type { StreamEvent } from "./streamEvent.ts";

/** One minute of event time that still takes events: the ids it has seen and its cells so far. */
export class OpenWindow {
  readonly startMs: number;
  readonly endMs: number;
  /** The first record that has an event here: to rebuild the window, read from there. */
  readonly firstOffset: bigint;
  readonly #payloads = new Map<string, number>();
  /** Campaign, then cube by its place in `CUBES`, then dimension value. */
  readonly #cells = new Map<string, Map<string, OpenCell>[]>();
  #cellCount = 0;

  constructor(window: {
    readonly startMs: number;
    readonly sizeMs: number;
    readonly firstOffset: bigint;
  }) {
    this.startMs = window.startMs;
    this.endMs = window.startMs + window.sizeMs;
    this.firstOffset = window.firstOffset;
  }

  /** Ids and cells held: what the window costs in memory. */
  get entries(): number {
    return this.#payloads.size + this.#cellCount;
  }

  /** Whether this is the first copy of its id, the same again, or something else under its id. */
  admitId(event: StreamEvent): "first" | "duplicate" | "id_conflict" {
    const hash = payloadHash(event);
    const seen = this.#payloads.get(event.eventId);
    if (seen === undefined) {
      this.#payloads.set(event.eventId, hash);
      return "first";
    }
    return seen === hash ? "duplicate" : "id_conflict";
  }

  /** The cells of an event, one a cube, in the order of `CUBES`. */
  cellsOf(event: StreamEvent, advertiserId: AdvertiserId): OpenCell[] {
    let cubes = this.#cells.get(event.campaignId);
    if (cubes === undefined) {
      cubes = CUBES.map(() => new Map());
      this.#cells.set(event.campaignId, cubes);
    }
    return cubes.map((cells, at) => this.#cellOf(cells, at, event, advertiserId));
  }

  #cellOf(
    cells: Map<string, OpenCell>,
    at: number,
    event: StreamEvent,
    advertiserId: AdvertiserId,
  ): OpenCell {
    const cube = CUBES[at];
    if (cube === undefined) throw new RangeError(`No cube ${at}`);
    const dimensionValue = cube.valueOf(event);
    const found = cells.get(dimensionValue);
    if (found !== undefined) return found;

    const { campaignId } = event;
    const key = { advertiserId, cube: cube.name, campaignId, dimensionValue };
    const cell = openCell({ ...key, windowStartMs: this.startMs });
    cells.set(dimensionValue, cell);
    this.#cellCount += 1;
    return cell;
  }
}
