/** The server of the web app on test stores. It draws one page, which says that it is one. */
import type { Stores } from "@trueclick/db/stores";
import { createAuth } from "../auth.ts";
import { type ApiParts, createApi } from "../http/api.ts";
import { createWebServer, type Pages } from "../http/webServer.ts";
import { KnownCallers } from "../rest/knownCallers.ts";
import { Warmth } from "../warmth.ts";

/** Where browsers would find it; it listens elsewhere. */
export const WEB_URL = "http://127.0.0.1:3000";
const SECRET = "a secret of nobody, for this test";

/** How a request was answered. */
export interface Answered {
  readonly path: string;
  readonly hasKey: boolean;
  readonly status: number;
}

export interface OwnServer {
  readonly url: string;
  readonly port: number;
  /** Requests of the API that were answered, in the order of their ends. */
  readonly answered: readonly Answered[];
  /** What was not the caller's mistake. */
  readonly faults: readonly unknown[];
  stop(withinMs?: number): Promise<void>;
}

/** What the server answers from, cold, on some stores. */
export function partsOn(stores: Stores, warmth = new Warmth()): ApiParts {
  const auth = createAuth(stores.db, { authSecret: SECRET, webUrl: WEB_URL });
  return { webUrl: WEB_URL, stores, auth, callers: new KnownCallers(), warmth };
}

export async function startOwnServer(parts: ApiParts, pages: Pages = drawPage): Promise<OwnServer> {
  const answered: Answered[] = [];
  const faults: unknown[] = [];
  const onFault = (error: unknown) => faults.push(error);
  const api = createApi(parts, onFault);
  const server = createWebServer({
    ...{ onFault, webUrl: parts.webUrl, isDevelopment: false },
    pages: Promise.resolve(pages),
    api: {
      answer(request) {
        const { pathname: path } = request.url;
        const hasKey = request.headers.has("authorization");
        const answering = api.answer(request);
        void answering?.then(({ response: { status } }) => answered.push({ path, hasKey, status }));
        return answering;
      },
    },
  });
  const port = await server.listen(0, "127.0.0.1");
  const stop = (withinMs = 1_000) => server.stop(withinMs);
  return { url: `http://127.0.0.1:${port}`, port, answered, faults, stop };
}

const drawPage: Pages = async (_incoming, outgoing) => {
  outgoing.end("a page");
};
