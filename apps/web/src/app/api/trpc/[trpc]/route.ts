import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { createContext } from "../../../../server/api/context.ts";
import { appRouter } from "../../../../server/api/root.ts";

/** Procedures in one request; a page asks for far fewer. */
const BATCH_SIZE_MAX = 20;

const handle = (request: Request) =>
  fetchRequestHandler({
    endpoint: "/api/trpc",
    req: request,
    router: appRouter,
    createContext: () => createContext(request.headers),
    maxBatchSize: BATCH_SIZE_MAX,
  });

export { handle as GET, handle as POST };
