import { DashboardPage } from "../../features/dashboard/components/DashboardPage.tsx";
import { AccountGate } from "../../shell/components/AccountGate.tsx";

export default function Page() {
  return <AccountGate Page={DashboardPage} renderedAtMs={Date.now()} />;
}
