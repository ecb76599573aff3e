"use client";
import { useState } from "react";
import { useIsHydrated } from "../../../shell/hooks/useIsHydrated.ts";
import { Button } from "../../../ui/Button.tsx";
import { Field } from "../../../ui/Input.tsx";
import { type SignInOutcome, signIn } from "../fns/signIn.ts";

const WORDS: Readonly<Record<Exclude<SignInOutcome, "signed-in">, string>> = {
  refused: "This email and password do not go together. Check both and try again.",
  "too-many-tries": "Too many tries from here. Wait a minute, then try again.",
  unreachable: "The server cannot answer just now. Your entries are kept; try again in a moment.",
};

type FormState = SignInOutcome | "idle" | "sending";

/** Email and password. Accounts are made by an operator, so there is nothing to sign up for. */
export function SignInForm() {
  const [state, setState] = useState<FormState>("idle");
  const submit = async (form: FormData) => {
    setState("sending");
    const outcome = await signIn(textOf(form, "email"), textOf(form, "password"));
    setState(outcome);
    // A whole page load, so that nothing of an earlier session stays in memory.
    if (outcome === "signed-in") window.location.assign("/");
  };
  const isHydrated = useIsHydrated();
  const busy = state === "sending" || state === "signed-in";
  return (
    <form
      method="post"
      onSubmit={(event) => {
        event.preventDefault();
        void submit(new FormData(event.currentTarget));
      }}
      className="space-y-4"
    >
      <Field
        id="email"
        name="email"
        label="Email"
        type="email"
        autoComplete="username"
        required
        autoFocus
      />
      <Field
        id="password"
        name="password"
        label="Password"
        type="password"
        autoComplete="current-password"
        required
      />
      <p role="alert" className="text-sm text-bad empty:hidden">
        {state === "idle" || busy ? null : WORDS[state]}
      </p>
      <Button
        type="submit"
        variant="primary"
        size="lg"
        className="w-full"
        disabled={busy || !isHydrated}
      >
        {busy ? "Signing in…" : "Sign in"}
      </Button>
    </form>
  );
}

function textOf(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value : "";
}
