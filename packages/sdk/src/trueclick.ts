/** Sends clicks, impressions and conversions to a Trueclick edge, from a page or from Node. */
import { TrueclickClient } from "./client.ts";
import { thisPlatform } from "./platform.ts";
import type { Trueclick, TrueclickOptions } from "./types.ts";

export type {
  ClickFields,
  ConversionFields,
  EventFields,
  Trueclick,
  TrueclickOptions,
  Undelivered,
} from "./types.ts";

/**
 * Starts to take events. In a browser what could not be sent outlives the page, so that the next one
 * sends it; one instance a page is enough.
 */
export function createTrueclick(options: TrueclickOptions): Trueclick {
  return new TrueclickClient(options, thisPlatform());
}
