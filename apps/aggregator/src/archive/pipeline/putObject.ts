import { type ObjectName, objectPath, variantPath } from "@trueclick/archive/domain/objectPath";
import type { ObjectStore } from "@trueclick/archive/objectStore";

/**
 * Stores an object under its name, or under one with its hash where other bytes lie.
 *
 * @returns The path that it has.
 * @throws {ObjectStoreUnavailableError} The outcome is unknown. Put it again.
 */
export async function putObject(
  objects: ObjectStore,
  name: ObjectName,
  bytes: Uint8Array,
  sha256: string,
): Promise<string> {
  const plain = objectPath(name);
  if ((await objects.putIfAbsent(plain, bytes)) !== "different") return plain;
  const variant = variantPath(name, sha256);
  if ((await objects.putIfAbsent(variant, bytes)) !== "different") return variant;
  throw new Error(`other bytes lie under ${plain} and ${variant}`);
}
