declare global {
  namespace NodeJS {
    interface ProcessEnv {
      /** Which of its runtimes Next compiles for: it puts the word in place of the name. */
      readonly NEXT_RUNTIME?: "nodejs" | "edge";
    }
  }
}

/** What Next calls once, and waits for, before it serves the first request. */
export async function register(): Promise<void> {
  // The other runtime has no connections to stores. What stands within, its build leaves out.
  if (process.env.NEXT_RUNTIME === "nodejs") {
    const [{ compose }, { warmUp }] = await Promise.all([
      import("./server/stores.ts"),
      import("./server/warmUp.ts"),
    ]);
    await warmUp(() => compose().stores);
  }
}
