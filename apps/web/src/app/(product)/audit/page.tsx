import type { Metadata } from "next";
import { AuditPage } from "../../../features/audit/components/AuditPage.tsx";
import { AccountGate } from "../../../shell/components/AccountGate.tsx";
import { RoomGate } from "../../../shell/components/RoomGate.tsx";

export const metadata: Metadata = { title: "Audit" };

export default function Page() {
  return (
    <RoomGate scope="audit:read">
      <AccountGate Page={AuditPage} renderedAtMs={Date.now()} />
    </RoomGate>
  );
}
