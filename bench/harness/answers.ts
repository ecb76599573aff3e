const READY_WITHIN_MS = 60_000;
const ASK_AGAIN_MS = 50;

/** Resolves once a URL answers 200. @throws {Error} when it has not within a minute. */
export async function answers(url: string): Promise<void> {
  const untilMs = performance.now() + READY_WITHIN_MS;
  while (performance.now() < untilMs) {
    const status = await fetch(url).then(
      (answer) => answer.status,
      () => 0,
    );
    if (status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
  }
  throw new Error(`${url} was not ready within ${READY_WITHIN_MS} ms`);
}
