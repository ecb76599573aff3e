import { TrueclickClient } from "../client.ts";
import type { TrueclickOptions, Undelivered } from "../types.ts";
import { type FakeBrowser, type FakeTab, openTab } from "./fakePlatform.ts";

export const CLICK = { campaign_id: "cmp_1", ad_id: "ad_1", publisher_id: "pub_1" };

/** Clients in tabs of one browser, and all that they told their applications. */
export class Clients {
  readonly undelivered: Undelivered[] = [];
  readonly stops: number[] = [];
  readonly #browser: FakeBrowser;

  constructor(browser: FakeBrowser) {
    this.#browser = browser;
  }

  open(change: Partial<TrueclickOptions> = {}, tab: FakeTab = openTab(this.#browser)) {
    const options = {
      endpoint: "https://edge.example/",
      key: "key of a page",
      onUndelivered: (what: Undelivered) => this.undelivered.push(what),
      onStopped: (status: number) => this.stops.push(status),
    };
    return { tab, client: new TrueclickClient({ ...options, ...change }, tab) };
  }
}
