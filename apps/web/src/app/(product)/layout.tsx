import { redirect } from "next/navigation";
import type { ReactNode } from "react";
import { loadViewer } from "../../server/viewer.ts";
import { Frame } from "../../shell/components/Frame.tsx";
import { ApiProvider } from "../../shell/trpc.tsx";
import { ViewerProvider } from "../../shell/viewer.tsx";
import { EmptyState } from "../../ui/States.tsx";

export const dynamic = "force-dynamic";

export default async function ProductLayout({ children }: { readonly children: ReactNode }) {
  const viewer = await loadViewer();
  if (viewer === "signed-out") redirect("/sign-in");
  if (viewer === "no-role") {
    return (
      <EmptyState title="Your sign-in has no role yet" className="pt-32">
        An engineer or an account manager has to give you one before there is anything to see.
      </EmptyState>
    );
  }
  return (
    <ViewerProvider viewer={viewer}>
      <ApiProvider>
        <Frame>{children}</Frame>
      </ApiProvider>
    </ViewerProvider>
  );
}
