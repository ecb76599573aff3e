import type { Pages } from "./webServer.ts";

export interface PagesOptions {
  /** Of the web app: the build lies in it. */
  readonly dir: string;
  readonly hostname: string;
  readonly port: number;
  readonly isDevelopment: boolean;
}

export interface OpenPages {
  readonly handle: Pages;
  close(): Promise<void>;
}

/** Has Next draw pages from its build. @throws {Error} where there is no build. */
export async function openPages({ isDevelopment, ...options }: PagesOptions): Promise<OpenPages> {
  const before = process.listeners("uncaughtException");
  const { default: next } = await import("next");
  const app = next({ dev: isDevelopment, ...options });
  await app.prepare();
  // Next would log what nobody caught and go on, in a state that nobody knows. Our programs end then, and are
  // started again.
  for (const listener of process.listeners("uncaughtException")) {
    if (!before.includes(listener)) process.off("uncaughtException", listener);
  }
  const handle = app.getRequestHandler();
  return {
    handle: (incoming, outgoing) => handle(incoming, outgoing),
    close: () => app.close(),
  };
}
