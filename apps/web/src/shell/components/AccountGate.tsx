"use client";
import { type ComponentType, Suspense } from "react";
import { EmptyState } from "../../ui/States.tsx";
import { useAccount } from "../urlState.ts";
import type { AccountSummary } from "../viewer.tsx";

export interface AccountPageProps {
  readonly account: AccountSummary;
  /** When the server drew the page, epoch milliseconds. */
  readonly renderedAtMs: number;
}

interface AccountGateProps {
  readonly Page: ComponentType<AccountPageProps>;
  readonly renderedAtMs: number;
}

/** Shows a page of the chosen account, afresh when another one is chosen. */
export function AccountGate(props: AccountGateProps) {
  return (
    <Suspense>
      <Chosen {...props} />
    </Suspense>
  );
}

function Chosen({ Page, renderedAtMs }: AccountGateProps) {
  const { account } = useAccount();
  if (account === null) {
    return (
      <EmptyState title="No advertiser yet" className="pt-24">
        Import the first one with <code>npx trueclick campaigns import FILE</code>, or start with
        the demo data: <code>npm start</code>.
      </EmptyState>
    );
  }
  return <Page key={account.id} account={account} renderedAtMs={renderedAtMs} />;
}
