/** What became of a try to sign in. */
export type SignInOutcome = "signed-in" | "refused" | "too-many-tries" | "unreachable";

/** Never rejects: every way it can end is an outcome that the form has words for. */
export async function signIn(
  email: string,
  password: string,
  send: typeof fetch = fetch,
): Promise<SignInOutcome> {
  try {
    const response = await send("/api/auth/sign-in/email", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ email, password }),
    });
    if (response.ok) return "signed-in";
    if (response.status === 429) return "too-many-tries";
    return response.status < 500 ? "refused" : "unreachable";
  } catch {
    return "unreachable";
  }
}
