import { expect, it } from "vitest";
import { shareSlices, takenOverOf } from "./takenOver.ts";

const slice = (hourMs: number, buildId: bigint, events: number, isPublished = true) => {
  return { hoursMs: [hourMs], inputsHash: "", aloneHash: null, events, buildId, isPublished };
};
const hoursOf = (slices: readonly { readonly hoursMs: readonly number[] }[]) =>
  slices.flatMap(({ hoursMs }) => hoursMs);

it("shares the two fullest builds and copies the others", () => {
  const slices = [slice(1, 1n, 10), slice(2, 2n, 3), slice(3, 3n, 2), slice(4, 1n, 10)];
  const { shared, copied } = shareSlices(slices);
  expect(hoursOf(shared)).toEqual([1, 4, 2]);
  expect(hoursOf(copied)).toEqual([3]);
  expect(takenOverOf(shared)).toEqual([
    { buildId: 1n, hoursMs: [1, 4] },
    { buildId: 2n, hoursMs: [2] },
  ]);
});

it("copies all where no build has as much as all smaller ones together", () => {
  const slices = [slice(1, 1n, 10), slice(2, 2n, 9), slice(3, 3n, 9)];
  expect(shareSlices(slices).shared).toEqual([]);
  // The second is shared only if it outweighs what is left.
  const many = [slice(1, 1n, 20), slice(2, 2n, 3), slice(3, 3n, 3), slice(4, 4n, 3)];
  expect(hoursOf(shareSlices(many).shared)).toEqual([1]);
});

it("never shares a build that no version names, since its rows are swept", () => {
  const { shared, copied } = shareSlices([slice(1, 1n, 10, false), slice(2, 2n, 1)]);
  expect(hoursOf(shared)).toEqual([2]);
  expect(hoursOf(copied)).toEqual([1]);
});
