/**
 * The SDK as one minified script.
 *
 * @param format `esm` for `import`, `iife` for a script element: then it is `window.trueclick`.
 */
export declare function bundleSdk(format: "esm" | "iife"): Promise<string>;
