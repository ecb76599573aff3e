import type { Database } from "@trueclick/db/postgres/database";
import * as schema from "@trueclick/db/postgres/schema/auth";
import { drizzleAdapter } from "better-auth/adapters/drizzle";
import { betterAuth } from "better-auth/minimal";
import type { Env } from "./env.ts";

/** Tries to sign in that one address may make in a window before it has to wait. */
const SIGN_IN_TRIES_MAX = 20;
const SIGN_IN_WINDOW_SECONDS = 60;
const PASSWORD_LENGTH_MIN = 10;
const SESSION_SECONDS = 7 * 24 * 60 * 60;

/**
 * Sign-in by email and password. Nobody signs up here: an operator makes the accounts.
 *
 * The session cookie is httpOnly and SameSite=Lax, and for https only when `webUrl` is https.
 */
export function createAuth(db: Database, env: Pick<Env, "authSecret" | "webUrl">) {
  return betterAuth({
    appName: "Trueclick",
    baseURL: env.webUrl,
    secret: env.authSecret,
    trustedOrigins: loopbackNames(env.webUrl),
    database: drizzleAdapter(db, {
      provider: "pg",
      schema: {
        user: schema.users,
        session: schema.sessions,
        account: schema.accounts,
        verification: schema.verifications,
      },
    }),
    emailAndPassword: {
      enabled: true,
      disableSignUp: true,
      minPasswordLength: PASSWORD_LENGTH_MIN,
    },
    session: { expiresIn: SESSION_SECONDS },
    rateLimit: {
      enabled: true,
      customRules: {
        "/sign-in/email": { window: SIGN_IN_WINDOW_SECONDS, max: SIGN_IN_TRIES_MAX },
      },
    },
    advanced: {
      cookiePrefix: "trueclick",
      useSecureCookies: new URL(env.webUrl).protocol === "https:",
      defaultCookieAttributes: { httpOnly: true, sameSite: "lax" },
    },
    telemetry: { enabled: false },
    // A wrong password is an outcome that the caller is told; it is no event of the log.
    logger: { level: "error" },
  });
}

export type Auth = ReturnType<typeof createAuth>;

/** A person at the machine may type `localhost` where the settings say `127.0.0.1`. */
function loopbackNames(webUrl: string): string[] {
  const url = new URL(webUrl);
  if (url.hostname !== "127.0.0.1" && url.hostname !== "localhost") return [url.origin];
  return ["127.0.0.1", "localhost"].map((name) => `${url.protocol}//${name}:${url.port}`);
}
