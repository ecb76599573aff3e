/** Merges sequences, each in the order of time, into one; holds one item of each. */
export function* mergeByTime<Item>(
  sources: readonly Iterator<Item>[],
  timeOf: (item: Item) => number,
): Generator<Item> {
  const heads = sources.flatMap((source) => {
    const first = source.next();
    return first.done === true ? [] : [{ source, item: first.value }];
  });
  while (heads.length > 0) {
    const earliest = heads.reduce((a, b) => (timeOf(b.item) < timeOf(a.item) ? b : a));
    yield earliest.item;
    const next = earliest.source.next();
    if (next.done === true) heads.splice(heads.indexOf(earliest), 1);
    else earliest.item = next.value;
  }
}
