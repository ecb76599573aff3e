/**
 * A filter over 64-bit numbers that tells which are surely not among some: two bits a number, each in a table of
 * its own, told by other digits of it. Whoever has both may be among them.
 */
export interface KeyFilter {
  /** Of the dictionary whose keys are the bits that are set. */
  readonly name: string;
  /** Bits of each of the two tables, a power of two. */
  readonly slots: number;
}

/** Slots for each number: one of eight others then has the first bit, one of 64 both. */
const SLOTS_PER_NUMBER = 8;
const SLOTS_MIN = 1_024;
/** A MiB for the first table, so that it fits into the cache of a core; the second is asked for few. */
const SLOTS_MAX = 8_388_608;

/** @param numbers Most that it will be made of; of more than a million it rules out less. */
export function planKeyFilter(name: string, numbers: number): KeyFilter {
  const wanted = Math.min(SLOTS_MAX, Math.max(SLOTS_MIN, numbers * SLOTS_PER_NUMBER));
  return { name, slots: 2 ** Math.ceil(Math.log2(wanted)) };
}

/** SQL of both slots of a number: the second table lies behind the first. */
export function slotsSql({ slots }: Pick<KeyFilter, "slots">, number: string) {
  const second = `bitAnd(bitShiftRight(${number}, ${Math.log2(slots)}), ${slots - 1})`;
  return { first: `bitAnd(${number}, ${slots - 1})`, second: `bitOr(${second}, ${slots})` };
}

/**
 * SQL of two conditions on a number, to be asked one after the other: it may be among those of the filter.
 *
 * @param number SQL of a UInt64.
 */
export function mayBeAmong(filter: KeyFilter, number: string) {
  const { first, second } = slotsSql(filter, number);
  const has = (slot: string) => `dictHas('${filter.name}', ${slot})`;
  return { first: has(first), second: has(second) };
}
