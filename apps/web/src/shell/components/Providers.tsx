"use client";
import { ThemeProvider } from "next-themes";
import { NuqsAdapter } from "nuqs/adapters/next/app";
import type { ReactNode } from "react";
import { FigureCardProvider } from "../../ui/Figure.tsx";
import { TooltipProvider } from "../../ui/Tooltip.tsx";

interface ProvidersProps {
  /** Lets the theme's inline script past the content policy. */
  readonly nonce: string | undefined;
  readonly children: ReactNode;
}

export function Providers({ nonce, children }: ProvidersProps) {
  return (
    <ThemeProvider
      attribute="class"
      defaultTheme="system"
      enableSystem
      disableTransitionOnChange
      {...(nonce === undefined ? {} : { nonce })}
    >
      <NuqsAdapter>
        <TooltipProvider>
          <FigureCardProvider>{children}</FigureCardProvider>
        </TooltipProvider>
      </NuqsAdapter>
    </ThemeProvider>
  );
}
