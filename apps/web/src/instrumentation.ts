/** What Next calls once, before it serves the first request. */
export async function register(): Promise<void> {
  const { warmUp } = await import("./server/warmUp.ts");
  await warmUp();
}
