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
