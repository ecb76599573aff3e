import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { JobPage } from "../../../../../features/audit/components/JobPage.tsx";
import { AccountGate } from "../../../../../shell/components/AccountGate.tsx";
import { RoomGate } from "../../../../../shell/components/RoomGate.tsx";

export const metadata: Metadata = { title: "Job" };

interface JobRouteProps {
  readonly params: Promise<{ readonly id: string }>;
}

export default async function Page({ params }: JobRouteProps) {
  const { id } = await params;
  if (!/^[1-9]\d{0,14}$/.test(id)) notFound();
  return (
    <RoomGate scope="audit:read">
      <AccountGate Page={JobPage} renderedAtMs={Date.now()} />
    </RoomGate>
  );
}
