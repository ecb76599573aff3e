/** Takes text; a part of a writable stream. */
export interface TextSink {
  write(text: string): unknown;
}

/** Where progress is shown; on a terminal as one line that rewrites itself. */
export interface ProgressStream extends TextSink {
  readonly isTTY: boolean;
  readonly columns: number;
}

const REDRAW_EVERY_MS = 100;
const BAR_WIDTH = 24;

export interface Progress {
  /** @param fraction From 0 to 1; null where the end is not known. */
  show(fraction: number | null, text: string): void;
  /** Takes the line away, so that what is printed next begins on a clean one. */
  clear(): void;
}

/** A progress line on a terminal; silent in a file or a pipe, where it would only be noise. */
export function createProgress(stream: ProgressStream, now: () => number = Date.now): Progress {
  let drawnMs = Number.NEGATIVE_INFINITY;
  let isDrawn = false;
  return {
    show(fraction, text) {
      if (!stream.isTTY || now() - drawnMs < REDRAW_EVERY_MS) return;
      drawnMs = now();
      isDrawn = true;
      stream.write(`\r\u001b[K${toLine(fraction, text).slice(0, stream.columns - 1)}`);
    },
    clear() {
      if (isDrawn) stream.write("\r\u001b[K");
      isDrawn = false;
    },
  };
}

function toLine(fraction: number | null, text: string): string {
  if (fraction === null) return text;
  const filled = Math.round(Math.min(1, Math.max(0, fraction)) * BAR_WIDTH);
  const percent = `${Math.floor(fraction * 100)}%`.padStart(4);
  return `${"█".repeat(filled)}${"░".repeat(BAR_WIDTH - filled)} ${percent}  ${text}`;
}
