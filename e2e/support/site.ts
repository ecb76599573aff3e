/** A site whose pages carry the SDK, and the browser that visits them. */
import { once } from "node:events";
import { createServer } from "node:http";
import { type BrowserContext, chromium, type Page } from "@playwright/test";
import { bundleSdk } from "@trueclick/sdk/bundle";

/** Starts the site; what its pages need to know is in their address. */
export async function startSite() {
  const script = await bundleSdk("iife");
  const page = `<!doctype html><title>Site</title><script>${script}</script><script>
    const { endpoint, key } = Object.fromEntries(new URLSearchParams(location.search));
    if (endpoint) {
      window.undelivered = [];
      window.tracker = trueclick.createTrueclick({
        endpoint, key, flushIntervalMs: 200, timeoutMs: 3000,
        onUndelivered: (what) => undelivered.push(what),
      });
    }
  </script>`;
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/html" }).end(page);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The site has no port");
  const origin = `http://127.0.0.1:${address.port}`;
  return {
    origin,
    /** The address of a page that sends to an edge. */
    page: (edge: { readonly url: string; readonly key: string }) =>
      `${origin}/?${new URLSearchParams({ endpoint: edge.url, key: edge.key })}`,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

export function launchBrowser() {
  const systemBrowser = process.env["CHROMIUM_PATH"];
  return chromium.launch({
    // Root needs --no-sandbox; the rest keeps the browser from calling home.
    args: ["--no-sandbox", "--disable-background-networking", "--disable-component-update"],
    ...(systemBrowser === undefined ? {} : { executablePath: systemBrowser }),
  });
}

/** Clicks on a page; returns the ids that the SDK gave them. */
export function clickTimes(page: Page, clicks: number): Promise<string[]> {
  return page.evaluate((count) => {
    const { tracker } = window;
    return Array.from({ length: count }, () =>
      tracker.click({ campaign_id: "cmp_1", ad_id: "ad_1", publisher_id: "pub_1" }),
    );
  }, clicks);
}

/** Events that wait in the storage of a site, in any tab. */
export function waiting(page: Page): Promise<number> {
  return page.evaluate(
    () => Object.keys(localStorage).filter((name) => name.startsWith("trueclick/")).length,
  );
}

/** Lets nothing through to an edge, as a cut cable does; returns what mends it. */
export async function cut(context: BrowserContext, edge: { readonly url: string }) {
  const all = `${edge.url}/**`;
  await context.route(all, (route) => route.abort("internetdisconnected"));
  return () => context.unroute(all);
}

declare global {
  interface Window {
    readonly tracker: { click(fields: Record<string, string>): string };
    readonly undelivered: readonly unknown[];
  }
}
