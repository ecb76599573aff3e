/** An object that is stored, as the manifest names it. */
export interface ManifestObject {
  readonly path: string;
  /** Start of the UTC hour of event time that all its rows lie in, epoch milliseconds. */
  readonly eventHourMs: number;
  readonly rows: number;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** An object with its place in the log. */
export interface HourObject extends ManifestObject {
  readonly partition: number;
  /** Both inclusive: the rows of the hour between them lie in this object and in no other. */
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
}
