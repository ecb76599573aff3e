/** Allowed directions, as errors from the first commit. Every rule has one reason, in `comment`. */
module.exports = {
  forbidden: [
    {
      name: "no-cycles",
      severity: "error",
      comment: "A cycle is one module pretending to be two.",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-unresolved",
      severity: "error",
      comment: "An import that does not resolve breaks at run time.",
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: "shared-is-the-centre",
      severity: "error",
      comment: "packages/shared runs everywhere, the browser included.",
      from: { path: "^packages/shared/src", pathNot: "\\.test\\.ts$" },
      to: {
        path: [
          "^packages/(?!shared/)",
          "^apps/",
          "node_modules/(?!(zod|temporal-polyfill)/)",
          "^node:",
        ],
        dependencyTypesNot: ["type-only"],
      },
    },
    {
      name: "packages-not-apps",
      severity: "error",
      comment: "Packages never know who uses them.",
      from: { path: "^packages/" },
      to: { path: "^apps/" },
    },
    {
      name: "apps-are-separate",
      severity: "error",
      comment: "Apps talk over the log and the stores, never by import.",
      from: { path: "^apps/([^/]+)/" },
      to: { path: "^apps/(?!$1/)" },
    },
    {
      name: "domain-is-pure",
      severity: "error",
      comment: "No I/O and no framework in a domain folder.",
      from: { path: "^apps/[^/]+/src/(domain|[^/]+/domain)/", pathNot: "\\.test\\.ts$" },
      to: {
        pathNot: [
          "^apps/[^/]+/src/(domain|[^/]+/domain)/",
          "^packages/archive/src/domain/",
          "^packages/shared/",
        ],
      },
    },
    {
      name: "archive-domain-is-pure",
      severity: "error",
      comment: "What the archive's names and columns mean needs no I/O.",
      from: { path: "^packages/archive/src/domain/", pathNot: "\\.test\\.ts$" },
      to: { pathNot: ["^packages/archive/src/domain/", "^packages/shared/"] },
    },
    {
      name: "adapters-only-from-main",
      severity: "error",
      comment: "Only the composition root chooses an implementation.",
      from: {
        path: "^apps/[^/]+/src/",
        pathNot: [
          "/src/main\\.ts$",
          "/compose[A-Z][A-Za-z]*\\.ts$",
          "/adapters/",
          "\\.test\\.tsx?$",
          "/testing/",
        ],
      },
      to: { path: "^apps/[^/]+/src/(adapters|[^/]+/adapters)/" },
    },
    {
      name: "client-not-server",
      severity: "error",
      comment: "Browser code may name server types, never load server code.",
      from: {
        path: "^apps/web/src/",
        pathNot: ["/server/", "/app/", "\\.test\\.tsx?$", "/src/(proxy|main|runWeb)\\.ts$"],
      },
      to: { path: ["/server/", "^packages/db/"], dependencyTypesNot: ["type-only"] },
    },
    {
      name: "one-copy-of-the-server",
      severity: "error",
      comment:
        "Next builds what pages import anew: they get the server's parts from main.ts, not its code.",
      from: {
        path: [
          "^apps/web/src/(app|features|report|shell|ui)/",
          "^apps/web/src/(proxy|server/viewer)\\.ts$",
        ],
        pathNot: ["/features/[^/]+/server/", "\\.test\\.tsx?$"],
      },
      to: {
        path: ["^apps/web/src/server/", "^apps/web/src/features/[^/]+/server/", "^packages/db/"],
        pathNot: "^apps/web/src/server/(viewer|composition)\\.ts$",
        dependencyTypesNot: ["type-only"],
      },
    },
    {
      name: "features-by-their-index",
      severity: "error",
      comment: "A feature's insides are its own.",
      from: { path: "^apps/web/src/features/([^/]+)/" },
      to: {
        path: "^apps/web/src/features/",
        pathNot: ["^apps/web/src/features/$1/", "/features/[^/]+/(server/)?index\\.ts$"],
      },
    },
    {
      name: "ui-knows-no-feature",
      severity: "error",
      comment: "The design system knows no feature and no data.",
      from: { path: "^apps/web/src/ui/" },
      to: { path: ["^apps/web/src/(features|server|app)/", "^packages/db/"] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.base.json" },
    doNotFollow: { path: "node_modules" },
    exclude: { path: ["next-env\\.d\\.ts$", "\\.next/", "node_modules/\\.cache"] },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "default", "types", "node"],
      extensions: [".ts", ".tsx", ".mjs", ".js", ".css", ".json"],
    },
  },
};
