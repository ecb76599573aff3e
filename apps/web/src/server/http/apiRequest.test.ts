import { expect, it } from "vitest";
import { apiAddressOf } from "./apiRequest.ts";

const WEB_URL = "https://reports.example";
const pathOf = (target: string) => apiAddressOf(target, WEB_URL)?.pathname ?? null;

it.each([
  ["/api/v1/drift?from=//x\\y&to=%zz", "/api/v1/drift"],
  ["/api/v1/events/a%3Ab", "/api/v1/events/a%3Ab"],
  ["/api/v1/events/%zz", "/api/v1/events/%zz"],
  ["/api/v1/../v1/./drift", "/api/v1/drift"],
  ["/api/v1/%2e%2e/v1/drift", "/api/v1/drift"],
  ["/api/v1/drift#part", "/api/v1/drift"],
  ["/api/v1/../../sign-in", "/sign-in"],
  ["/api", "/api"],
])("takes %s", (target, path) => {
  expect(pathOf(target)).toBe(path);
});

// Next sends each to the address that it means, as it does of pages.
it.each([
  "/api/v1/drift/",
  "/api/v1//drift",
  "//api/v1/drift",
  "/api/v1\\drift",
  "/api/v1/events/..",
  "/api/",
  "/sign-in",
  "/",
  "",
  "*",
  "http://other.example/api/v1/drift",
])("leaves %s to pages", (target) => {
  expect(pathOf(target)).toBeNull();
});

it("takes no host from a client", () => {
  expect(apiAddressOf("/api/v1/drift?a=1", WEB_URL)?.href).toBe(`${WEB_URL}/api/v1/drift?a=1`);
});
