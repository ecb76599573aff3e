"use client";
import Link from "next/link";
import { usePathname, useSearchParams } from "next/navigation";
import { Suspense } from "react";
import { SegmentedControl } from "../../ui/SegmentedControl.tsx";
import { hrefKeeping, useMode } from "../urlState.ts";
import { AccountSwitcher } from "./AccountSwitcher.tsx";
import { CommandPalette } from "./CommandPalette.tsx";
import { Logo } from "./Logo.tsx";
import { UserMenu } from "./UserMenu.tsx";

/** Pages that have both an estimate and a truth to show. */
const TWO_MODE_PATHS = ["/", "/campaigns"];

export function TopBar() {
  const pathname = usePathname();
  const params = useSearchParams();
  const hasModes = TWO_MODE_PATHS.some(
    (path) => pathname === path || (path !== "/" && pathname.startsWith(path)),
  );
  return (
    <header
      className={
        "sticky top-0 z-30 flex h-14 items-center gap-2 border-b border-line bg-surface px-3 md:px-4"
      }
    >
      <Link href={hrefKeeping("/", params)} className="flex items-center gap-2 font-semibold">
        <Logo />
        <span className="max-md:sr-only">Trueclick</span>
      </Link>
      <span aria-hidden className="mx-1 h-5 w-px bg-line max-md:hidden" />
      <AccountSwitcher />
      <div className="ml-auto flex items-center gap-2">
        <Suspense>
          <CommandPalette />
        </Suspense>
        {hasModes && (
          <div className="max-md:hidden">
            <ModeSwitch />
          </div>
        )}
        <UserMenu />
      </div>
    </header>
  );
}

/** The same page, counted the other way. */
export function ModeSwitch() {
  const [mode, setMode] = useMode();
  return (
    <SegmentedControl
      label="Which figures"
      value={mode}
      onChange={setMode}
      options={[
        { value: "dashboard", label: "Live estimate" },
        { value: "billing", label: "Billing truth" },
      ]}
    />
  );
}
