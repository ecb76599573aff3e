import { type ClassValue, clsx } from "clsx";

/**
 * Joins class names. Of two that set the same property the style sheet decides, not their order
 * here: choose between them by a condition instead of adding one over the other.
 */
export function cn(...classes: readonly ClassValue[]): string {
  return clsx(classes);
}
