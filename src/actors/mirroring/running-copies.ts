import type { Runtime } from '#actors/runtime.ts';
import type { RunningCopy } from '#core/mirroring/running-copy.ts';

/** How far one copy has come; structurally what `oci/copy` tells. */
export interface CopyProgress {
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

/** The copies that are being made, for all who show them. */
export class RunningCopies {
  readonly #now: Runtime['now'];
  readonly #copies = new Map<symbol, RunningCopy>();

  constructor({ now }: Pick<Runtime, 'now'>) {
    this.#now = now;
  }

  /** One begins; the answer tells how far it has come, and ends it. */
  readonly begin = (
    what: Pick<RunningCopy, 'target' | 'image'>,
  ): { readonly progress: (progress: CopyProgress) => void; readonly end: () => void } => {
    const id = Symbol(what.image);
    const { target, image } = what;
    const begun = { target, image, bytesDone: 0, startedMs: this.#now() };
    this.#copies.set(id, begun);
    return {
      progress: (progress) => {
        if (this.#copies.has(id)) this.#copies.set(id, { ...begun, ...progress });
      },
      end: () => this.#copies.delete(id),
    };
  };

  readonly list = (): readonly RunningCopy[] => [...this.#copies.values()];
}
