import type { Runtime } from '#actors/runtime.ts';
import type { CopyKey } from '#machines/mirrored-image.ts';

/** One copy that is being made at this moment. */
export interface RunningCopy extends CopyKey {
  /** Full form of the copy. */
  readonly copy: string;
  /** `Kind/[namespace/]name` on whose behalf it is made. */
  readonly resource: string;
  /** Bytes of blobs that have gone out, and how many there are as far as is known. */
  readonly bytesDone: number;
  readonly bytesTotal: number;
  /** Over the last seconds, a second. */
  readonly bytesPerSecond: number;
  /** When it began, wall time in ms. */
  readonly sinceMs: number;
}

/** How far one copy has come; structurally what `oci/copy` tells. */
export interface CopyProgress {
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

/** Over so long the rate is measured: long enough not to jump, short enough to see a stall. */
const rateWindowMs = 5_000;

interface Entry {
  readonly what: Pick<RunningCopy, 'target' | 'image' | 'copy' | 'resource'>;
  readonly sinceMs: number;
  bytesDone: number;
  bytesTotal: number;
  /** Where the window of the rate begins, and where the one before it did. */
  marks: readonly [Mark, Mark];
}

interface Mark {
  readonly atMs: number;
  readonly bytesDone: number;
}

/** The copies that are being made, for all who show them. */
export class RunningCopies {
  readonly #runtime: Pick<Runtime, 'clock' | 'now'>;
  readonly #entries = new Set<Entry>();

  constructor(runtime: Pick<Runtime, 'clock' | 'now'>) {
    this.#runtime = runtime;
  }

  /** One begins; the answer tells how far it has come, and ends it. */
  readonly begin = (
    what: Pick<RunningCopy, 'target' | 'image' | 'copy' | 'resource'>,
  ): { readonly progress: (progress: CopyProgress) => void; readonly end: () => void } => {
    const { clock, now } = this.#runtime;
    const mark = { atMs: clock.now(), bytesDone: 0 };
    const entry: Entry = {
      ...{ what, sinceMs: now(), bytesDone: 0, bytesTotal: 0, marks: [mark, mark] },
    };
    this.#entries.add(entry);
    return {
      progress: ({ bytesDone, bytesTotal }) => {
        entry.bytesDone = bytesDone;
        entry.bytesTotal = bytesTotal;
        const [, last] = entry.marks;
        const atMs = clock.now();
        if (atMs - last.atMs >= rateWindowMs) entry.marks = [last, { atMs, bytesDone }];
      },
      end: () => this.#entries.delete(entry),
    };
  };

  readonly list = (): readonly RunningCopy[] => {
    const nowMs = this.#runtime.clock.now();
    return [...this.#entries].map(({ what, sinceMs, bytesDone, bytesTotal, marks: [first] }) => {
      const seconds = Math.max(1, nowMs - first.atMs) / 1_000;
      const bytesPerSecond = Math.round((bytesDone - first.bytesDone) / seconds);
      return { ...what, sinceMs, bytesDone, bytesTotal, bytesPerSecond };
    });
  };
}
