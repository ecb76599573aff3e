declare global {
  namespace NodeJS {
    interface ProcessEnv {
      /** Which of its runtimes Next compiles for: it puts the word in place of the name. */
      readonly NEXT_RUNTIME?: "nodejs" | "edge";
    }
  }
}

/**
 * What Next calls once, and waits for, before it serves the first request. The process asks itself over HTTP,
 * so that is not waited for here: until it is over the process answers, and says that it is not ready.
 */
export async function register(): Promise<void> {
  // The other runtime has no connections to stores. What stands within, its build leaves out.
  if (process.env.NEXT_RUNTIME === "nodejs") {
    const [{ ownUrl }, { compose }, { warmUp }] = await Promise.all([
      import("./server/env.ts"),
      import("./server/stores.ts"),
      import("./server/warmUp.ts"),
    ]);
    void warmUp(compose, { ownUrl: ownUrl() });
  }
}
