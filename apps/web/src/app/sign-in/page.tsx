import type { Metadata } from "next";
import { SignInForm } from "../../features/session/components/SignInForm.tsx";
import { Logo } from "../../shell/components/Logo.tsx";

export const metadata: Metadata = { title: "Sign in" };
// The content policy's nonce is the request's, so the page cannot be made ahead.
export const dynamic = "force-dynamic";

export default function SignInPage() {
  return (
    <main className="flex min-h-dvh items-center justify-center p-6">
      <div className="w-full max-w-sm">
        <div className="mb-8 flex items-center gap-2.5">
          <Logo size={32} />
          <span className="text-xl font-semibold tracking-tight">Trueclick</span>
        </div>
        <h1 className="text-xl font-semibold">Sign in</h1>
        <p className="mt-1 mb-6 text-sm text-ink-2">
          Every click, counted twice: fast for decisions, right for money.
        </p>
        <SignInForm />
        <p className="mt-6 text-xs text-ink-3">
          Accounts are made by your operator. Ask them for a new password, too.
        </p>
      </div>
    </main>
  );
}
