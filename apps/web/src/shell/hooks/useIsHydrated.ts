"use client";
import { useSyncExternalStore } from "react";

const neverChanges = () => () => {};

/** Whether the page listens to its user yet: false in what the server sends, true from then on. */
export function useIsHydrated(): boolean {
  return useSyncExternalStore(
    neverChanges,
    () => true,
    () => false,
  );
}
