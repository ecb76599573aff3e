// @vitest-environment jsdom
import { act, cleanup, screen } from "@testing-library/react";
import { hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { afterEach, expect, it } from "vitest";
import { SignInForm } from "./SignInForm.tsx";

afterEach(cleanup);

// Sent by the browser itself, the form would come back empty, and nobody would be signed in.
it("cannot be sent before the page listens, and keeps what was typed until then", async () => {
  const container = document.body.appendChild(document.createElement("div"));
  container.innerHTML = renderToString(<SignInForm />);
  const button = screen.getByRole("button", { name: "Sign in" });
  expect(button).toHaveProperty("disabled", true);
  const email = screen.getByLabelText("Email");
  if (!(email instanceof HTMLInputElement)) throw new Error("no input");
  email.value = "marketing@acme.example";
  const root = await act(async () => hydrateRoot(container, <SignInForm />));
  expect(button).toHaveProperty("disabled", false);
  expect(email.value).toBe("marketing@acme.example");
  await act(async () => root.unmount());
  container.remove();
});
