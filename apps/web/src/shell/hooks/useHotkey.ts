"use client";
import { useEffect, useEffectEvent } from "react";

/** Calls back on ⌘ or Ctrl with a key, wherever the focus is. Follows the document's keyboard. */
export function useHotkey(key: string, onPress: () => void): void {
  const handle = useEffectEvent((event: KeyboardEvent) => {
    if (event.key.toLowerCase() !== key || !(event.metaKey || event.ctrlKey)) return;
    event.preventDefault();
    onPress();
  });
  useEffect(() => {
    document.addEventListener("keydown", handle);
    return () => document.removeEventListener("keydown", handle);
  }, []);
}
