"use client";
import { ErrorState } from "../../ui/States.tsx";

interface ErrorPageProps {
  readonly reset: () => void;
}

/** What a fault of a page leaves standing: the frame around it. */
export default function ErrorPage({ reset }: ErrorPageProps) {
  return (
    <ErrorState title="This page stumbled" onRetry={reset} className="pt-24">
      Nothing is lost: what is counted does not depend on this page.
    </ErrorState>
  );
}
