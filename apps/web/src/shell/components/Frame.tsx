import { type ReactNode, Suspense } from "react";
import { Rail } from "./Rail.tsx";
import { TopBar } from "./TopBar.tsx";

/** What stands around every page: the bar above, the rooms beside it or below it. */
export function Frame({ children }: { readonly children: ReactNode }) {
  return (
    <>
      <a
        href="#main"
        className="sr-only z-50 rounded-lg bg-accent px-3 py-2 text-on-accent focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        Skip to the content
      </a>
      <Suspense>
        <TopBar />
      </Suspense>
      <div className="mx-auto flex max-w-[1680px]">
        <Suspense>
          <Rail />
        </Suspense>
        <main id="main" className="min-w-0 flex-1 p-3 pb-24 md:p-6 md:pb-10">
          {children}
        </main>
      </div>
    </>
  );
}
