"use client";
import { useSyncExternalStore } from "react";

const TICK_MS = 1_000;

/** One clock for the page, that ticks only while somebody looks at it. */
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | null = null;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    for (const notify of listeners) notify();
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  };
}

/**
 * The present in whole steps, epoch milliseconds; draws again only when a step is over.
 *
 * @param stepMs A second or a multiple of it.
 * @param renderedAtMs The present for the first drawing, which server and browser must agree on.
 */
export function useNow(stepMs: number, renderedAtMs: number): number {
  const step = (ms: number) => Math.floor(ms / stepMs) * stepMs;
  return useSyncExternalStore(
    subscribe,
    () => step(Date.now()),
    () => step(renderedAtMs),
  );
}
