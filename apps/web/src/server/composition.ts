/** What `main.ts` made, for pages: Next builds these modules anew, so nothing of the server may be among them. */
import type { Viewer } from "../shell/viewer.tsx";

/** What pages take of the server. */
export interface Composition {
  /** Who is at the door: a viewer with its accounts, or why there is none. */
  loadViewer(headers: Headers): Promise<Viewer | "signed-out" | "no-role">;
}

declare global {
  /** The only way from the program to the pages in it, which share no module. */
  var trueclickComposition: Composition | undefined;
}

/** @throws {Error} where the process was not started by `main.ts`. */
export function composition(): Composition {
  if (globalThis.trueclickComposition === undefined) {
    throw new Error("pages are served by src/main.ts, which makes their parts");
  }
  return globalThis.trueclickComposition;
}
