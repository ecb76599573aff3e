"use client";
import { Search } from "lucide-react";
import dynamic from "next/dynamic";
import { useState } from "react";
import { Button } from "../../ui/Button.tsx";
import { useHotkey } from "../hooks/useHotkey.ts";

// Loaded when first asked for: most visits never search.
const CommandDialog = dynamic(async () => (await import("./CommandDialog.tsx")).CommandDialog, {
  ssr: false,
});

/** Search for pages and campaigns, by ⌘K or Ctrl K. */
export function CommandPalette() {
  const [open, setOpen] = useState(false);
  useHotkey("k", () => setOpen(true));
  return (
    <>
      <Button
        className="max-lg:size-8 max-lg:justify-center max-lg:px-0 lg:w-48 lg:text-ink-3"
        aria-label="Search"
        aria-keyshortcuts="Meta+K Control+K"
        onClick={() => setOpen(true)}
      >
        <Search size={14} aria-hidden />
        <span className="max-lg:hidden">Search</span>
        <kbd aria-hidden className="ml-auto font-sans text-2xs text-ink-3 max-lg:hidden">
          ⌘K
        </kbd>
      </Button>
      {open && <CommandDialog onClose={() => setOpen(false)} />}
    </>
  );
}
