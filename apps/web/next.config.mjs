import { fileURLToPath } from "node:url";
import { SECURITY_HEADERS } from "./src/server/http/securityHeaders.ts";

// Nobody who builds this project reports to the framework's maker.
process.env["NEXT_TELEMETRY_DISABLED"] = "1";

const workspaceRoot = fileURLToPath(new URL("../..", import.meta.url));

// Not TypeScript: Next would compile it anew at each start of the program.
/** @type {import("next").NextConfig} */
const config = {
  poweredByHeader: false,
  reactStrictMode: true,
  agentRules: false,
  transpilePackages: ["@trueclick/shared"],
  turbopack: { root: workspaceRoot },
  // `npm run typecheck` checks the types with the same settings; a second time would only make the
  // first start slower.
  typescript: { ignoreBuildErrors: true },
  headers: async () => [
    {
      source: "/:path*",
      headers: Object.entries(SECURITY_HEADERS).map(([key, value]) => ({ key, value })),
    },
  ],
};

export default config;
