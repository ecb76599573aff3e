import type { IHeaders } from "kafkajs";

/**
 * Bears the append time of a restored record, epoch milliseconds in decimal. Kafka could keep a
 * given time by itself, but only while the whole topic is switched to `CreateTime`, which reaches
 * the brokers some time after the switch, and stays when the program dies in between.
 */
const HEADER = "trueclick-append-time-ms";

export function toRestoredHeaders(appendTimeMs: number): Readonly<Record<string, string>> {
  return { [HEADER]: String(appendTimeMs) };
}

/** The time in the header; else undefined, which is the case of all but restored records. */
export function restoredTimeMs(headers: IHeaders | undefined): number | undefined {
  const value = headers?.[HEADER];
  if (value === undefined || Array.isArray(value)) return undefined;
  const appendTimeMs = Number(value.toString());
  return Number.isSafeInteger(appendTimeMs) ? appendTimeMs : undefined;
}
