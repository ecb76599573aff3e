/** Node 24 parses the `package.json` of `drizzle-orm`, 179 KB, at each import of one of its modules. */
import { registerHooks } from "node:module";

const PACKAGE = "drizzle-orm";
const WITHIN = `/node_modules/${PACKAGE}/`;

/**
 * Loads modules that import `drizzle-orm`, from the very files and as what Node would take them for: a name of the
 * package is looked up once, whoever imports it, and a file of the package that one beside it names is the module
 * that it must be. It leaves nothing behind.
 *
 * A second `drizzle-orm` among the dependencies would be taken for the first: a test holds that there is none.
 */
export async function importQuickly<Module>(load: () => Promise<Module>): Promise<Module> {
  const found = new Map<string, ReturnType<typeof resolveOnce>>();
  const resolveOnce = (
    specifier: string,
    next: () => { readonly url: string; readonly format?: string | null | undefined },
  ) => {
    const { url, format } = next();
    const resolved = { url, shortCircuit: true, ...(format != null && { format }) };
    found.set(specifier, resolved);
    return resolved;
  };
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const { parentURL, conditions } = context;
      // What is required is of another kind than what is imported.
      if (parentURL === undefined || !conditions.includes("import"))
        return next(specifier, context);
      if (specifier === PACKAGE || specifier.startsWith(`${PACKAGE}/`)) {
        return found.get(specifier) ?? resolveOnce(specifier, () => next(specifier, context));
      }
      if (!parentURL.includes(WITHIN) || !specifier.startsWith("."))
        return next(specifier, context);
      const { href } = new URL(specifier, parentURL);
      return { url: href, format: "module", shortCircuit: true };
    },
  });
  try {
    return await load();
  } finally {
    hooks.deregister();
  }
}
