import Link from "next/link";
import { EmptyState } from "../../ui/States.tsx";

export default function NotFound() {
  return (
    <EmptyState title="There is no such page" className="pt-24">
      <Link href="/" className="text-accent underline">
        Go to the overview
      </Link>
    </EmptyState>
  );
}
