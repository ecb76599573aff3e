/**
 * The usual program: kafkajs `eachMessage`, JSON.parse, a check by hand, a Set of ids and a Map of
 * cells for each minute; kafkajs commits the offsets. It stores no counts, and what it held is lost
 * with it: the next start would go on with half a minute missing.
 */
import { MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import kafkajs, { type KafkaMessage } from "kafkajs";
import { digestOf } from "./digest.ts";
import { type Measured, measureCpu, type RunRound } from "./rounds.ts";

const LATENESS_MS = 10 * MINUTE_MS;
const CPC_MICROS = 250_000;

interface Cell {
  clicks: number;
  impressions: number;
  costMicros: number;
}

interface Window {
  readonly ids: Set<string>;
  readonly cells: Map<string, Cell>;
}

/** The fields that are counted by. */
interface Event {
  readonly event_id: string;
  readonly event_type: string;
  readonly event_time: number;
  readonly campaign_id: string;
  readonly ad_id: string;
  readonly publisher_id: string;
  readonly geo: string;
  readonly device: string;
}

export function openPeer(brokers: string, topic: string, events: number): RunRound {
  const kafka = new kafkajs.Kafka({ brokers: [brokers], logLevel: kafkajs.logLevel.NOTHING });
  let round = 0;
  return async () => {
    round += 1;
    const consumer = kafka.consumer({ groupId: `peer-${process.pid}-${round}` });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const windows = new Map<number, Window>();
    const done = Promise.withResolvers<Measured>();
    let measure: (() => Measured) | undefined;
    let seen = 0;
    let newestMs = 0;
    await consumer.run({
      eachMessage: async ({ message }) => {
        // Joining the group is not counted against it.
        measure ??= measureCpu();
        newestMs = Math.max(newestMs, Number(message.timestamp));
        count(message, windows, newestMs - LATENESS_MS);
        seen += 1;
        if (seen === events) done.resolve(measure());
      },
    });
    const measured = await done.promise;
    await consumer.disconnect();
    return { measured, digest: digestOf(allCells(windows)) };
  };
}

function count({ value }: KafkaMessage, windows: Map<number, Window>, watermarkMs: number): void {
  const event: unknown = JSON.parse(value?.toString() ?? "null");
  if (!isEvent(event)) return;
  const startMs = event.event_time - (event.event_time % MINUTE_MS);
  if (startMs + MINUTE_MS <= watermarkMs) return;
  let window = windows.get(startMs);
  if (window === undefined) {
    window = { ids: new Set(), cells: new Map() };
    windows.set(startMs, window);
  }
  if (window.ids.has(event.event_id)) return;
  window.ids.add(event.event_id);
  const isClick = event.event_type === "click";
  raise(window.cells, `ad/${event.campaign_id}/${event.ad_id}`, isClick);
  raise(window.cells, `geo/${event.campaign_id}/${event.geo}`, isClick);
  raise(window.cells, `device/${event.campaign_id}/${event.device}`, isClick);
  raise(window.cells, `publisher/${event.campaign_id}/${event.publisher_id}`, isClick);
}

function raise(cells: Map<string, Cell>, key: string, isClick: boolean): void {
  let cell = cells.get(key);
  if (cell === undefined) {
    cell = { clicks: 0, impressions: 0, costMicros: 0 };
    cells.set(key, cell);
  }
  if (isClick) {
    cell.clicks += 1;
    cell.costMicros += CPC_MICROS;
  } else cell.impressions += 1;
}

function isEvent(value: unknown): value is Event {
  if (typeof value !== "object" || value === null) return false;
  const event: Partial<Record<keyof Event, unknown>> = value;
  return (
    typeof event.event_id === "string" &&
    (event.event_type === "click" || event.event_type === "impression") &&
    Number.isSafeInteger(event.event_time) &&
    typeof event.campaign_id === "string" &&
    typeof event.ad_id === "string" &&
    typeof event.publisher_id === "string" &&
    typeof event.geo === "string" &&
    typeof event.device === "string"
  );
}

function* allCells(windows: ReadonlyMap<number, Window>): Generator<[string, Cell]> {
  for (const [startMs, { cells }] of windows) {
    for (const [key, cell] of cells) {
      const [cube, campaign, ...value] = key.split("/");
      yield [`${cube}/${campaign}/${startMs / SECOND_MS}/${value.join("/")}`, cell];
    }
  }
}
