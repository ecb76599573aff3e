/** A process's own address, with the handlers of its routes and without Next before them. */
import { once } from "node:events";
import { createServer } from "node:http";
import { GET as drift } from "../../app/api/v1/drift/route.ts";
import { GET as openApi } from "../../app/api/v1/openapi.json/route.ts";
import { GET as report } from "../../app/api/v1/report/route.ts";

const NO_PARAMS = { params: Promise.resolve({}) };
type Handler = (request: Request) => Response | Promise<Response>;
const ROUTES: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ["/api/v1/drift", (request: Request) => drift(request, NO_PARAMS)],
  ["/api/v1/report", (request: Request) => report(request, NO_PARAMS)],
  ["/api/v1/openapi.json", () => openApi()],
]);

/** How a request was answered. */
export interface Answered {
  readonly path: string;
  readonly hasKey: boolean;
  readonly status: number;
}

export interface OwnServer {
  readonly url: string;
  readonly answered: readonly Answered[];
  close(): void;
}

export async function startOwnServer(): Promise<OwnServer> {
  const answered: Answered[] = [];
  const server = createServer(async ({ url: path = "/", headers: { authorization } }, response) => {
    const headers = authorization === undefined ? {} : { authorization };
    const route = ROUTES.get(path);
    const answer = await route?.(new Request(`http://own${path}`, { headers }));
    const { status } = answer ?? { status: 404 };
    answered.push({ path, hasKey: authorization !== undefined, status });
    response.writeHead(status).end(await answer?.text());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  return { url: `http://127.0.0.1:${port}`, answered, close: () => server.close() };
}
