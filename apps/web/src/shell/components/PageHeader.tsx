import type { ReactNode } from "react";
import type { AccountSummary } from "../viewer.tsx";

interface PageHeaderProps {
  readonly title: string;
  readonly account?: AccountSummary;
  /** Pickers and filters. */
  readonly children?: ReactNode;
}

/** What this page is, what it shows, and in which zone and currency. */
export function PageHeader({ title, account, children }: PageHeaderProps) {
  return (
    <div className="mb-4 flex flex-wrap items-center gap-2">
      <h1 className="mr-2 text-xl font-semibold tracking-tight">{title}</h1>
      {children}
      {account !== undefined && (
        <span
          className="ml-auto text-xs text-ink-3"
          title="Days begin and end, and money is counted, as the account has it"
        >
          {account.timeZone} · {account.currency}
        </span>
      )}
    </div>
  );
}
