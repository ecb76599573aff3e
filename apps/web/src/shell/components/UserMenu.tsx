"use client";
import type { Role } from "@trueclick/shared/access";
import { LogOut, Monitor, Moon, Sun } from "lucide-react";
import { useTheme } from "next-themes";
import { DropdownMenu, MenuItem, MenuLabel, MenuSeparator } from "../../ui/DropdownMenu.tsx";
import { useViewer } from "../viewer.tsx";

const ROLE_WORDS: Readonly<Record<Role, string>> = {
  advertiser: "Advertiser",
  account_manager: "Account manager",
  engineer: "Engineer",
};

export function UserMenu() {
  const viewer = useViewer();
  const { setTheme } = useTheme();
  return (
    <DropdownMenu
      align="end"
      trigger={
        <button
          type="button"
          aria-label="Your menu"
          className={
            "flex size-8 shrink-0 items-center justify-center rounded-full bg-accent-soft text-xs font-semibold text-accent"
          }
        >
          <span aria-hidden>{initials(viewer.name)}</span>
        </button>
      }
    >
      <div className="px-2 pt-1.5 pb-1 text-sm">
        <p className="font-medium">{viewer.name}</p>
        <p className="text-xs text-ink-3">{viewer.email}</p>
        <p className="text-xs text-ink-3">{ROLE_WORDS[viewer.role]}</p>
      </div>
      <MenuSeparator />
      <MenuLabel>Theme</MenuLabel>
      <MenuItem onSelect={() => setTheme("light")}>
        <Sun size={14} aria-hidden /> Light
      </MenuItem>
      <MenuItem onSelect={() => setTheme("dark")}>
        <Moon size={14} aria-hidden /> Dark
      </MenuItem>
      <MenuItem onSelect={() => setTheme("system")}>
        <Monitor size={14} aria-hidden /> Like the system
      </MenuItem>
      <MenuSeparator />
      <MenuItem onSelect={signOut}>
        <LogOut size={14} aria-hidden /> Sign out
      </MenuItem>
    </DropdownMenu>
  );
}

function initials(name: string): string {
  return name
    .split(/\s+/)
    .slice(0, 2)
    .map((word) => word.charAt(0).toUpperCase())
    .join("");
}

/** A whole page load, so that nothing of the session stays in memory. */
async function signOut(): Promise<void> {
  await fetch("/api/auth/sign-out", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: "{}",
  });
  window.location.assign("/sign-in");
}
