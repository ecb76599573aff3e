import type { Metadata } from "next";
import { DriftPage } from "../../../features/drift/components/DriftPage.tsx";
import { AccountGate } from "../../../shell/components/AccountGate.tsx";
import { RoomGate } from "../../../shell/components/RoomGate.tsx";

export const metadata: Metadata = { title: "Drift" };

export default function Page() {
  return (
    <RoomGate scope="drift:read">
      <AccountGate Page={DriftPage} renderedAtMs={Date.now()} />
    </RoomGate>
  );
}
