import type { Metadata } from "next";
import { BillingPage } from "../../../features/billing/components/BillingPage.tsx";
import { AccountGate } from "../../../shell/components/AccountGate.tsx";

export const metadata: Metadata = { title: "Billing" };

export default function Page() {
  return <AccountGate Page={BillingPage} renderedAtMs={Date.now()} />;
}
