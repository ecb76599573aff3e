import type { Metadata } from "next";
import { CampaignsPage } from "../../../features/campaigns/components/CampaignsPage.tsx";
import { AccountGate } from "../../../shell/components/AccountGate.tsx";

export const metadata: Metadata = { title: "Campaigns" };

export default function Page() {
  return <AccountGate Page={CampaignsPage} renderedAtMs={Date.now()} />;
}
