import { fileURLToPath } from "node:url";
import type { NextConfig } from "next";

// Nobody who builds this project reports to the framework's maker.
process.env["NEXT_TELEMETRY_DISABLED"] = "1";

const workspaceRoot = fileURLToPath(new URL("../..", import.meta.url));

/** What does not change with the request; the content policy, which does, is set in `proxy.ts`. */
const SECURITY_HEADERS = [
  { key: "X-Content-Type-Options", value: "nosniff" },
  { key: "X-Frame-Options", value: "DENY" },
  { key: "Referrer-Policy", value: "strict-origin-when-cross-origin" },
  { key: "Permissions-Policy", value: "camera=(), geolocation=(), microphone=()" },
  { key: "Cross-Origin-Opener-Policy", value: "same-origin" },
];

const config: NextConfig = {
  poweredByHeader: false,
  reactStrictMode: true,
  agentRules: false,
  transpilePackages: ["@trueclick/db", "@trueclick/shared"],
  serverExternalPackages: ["@clickhouse/client", "pg"],
  turbopack: { root: workspaceRoot },
  // `npm run typecheck` checks the types with the same settings; a second time would only make the
  // first start slower.
  typescript: { ignoreBuildErrors: true },
  headers: async () => [{ source: "/:path*", headers: SECURITY_HEADERS }],
};

export default config;
