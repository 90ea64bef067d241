import { placeKeyOf } from '#core/mirroring/copy-places.ts';
import { podArchitectures } from '#core/mirroring/pod-architectures.ts';
import type { Candidate, RoutingSubject } from './candidates.ts';
import type { NamedImage } from './compiled.ts';
import type { RoutingTable } from './table.ts';
import { type LeftOutCopy, whyLeftOut } from './why-left-out.ts';

/** Which copies one image of one Pod is offered, by what is known of them. */
export class CopyOffer {
  readonly leftOut: LeftOutCopy[] = [];
  readonly #table: Pick<RoutingTable, 'copies' | 'architectures'>;
  readonly #subject: RoutingSubject;
  readonly #bases: readonly NamedImage[];

  constructor(
    table: Pick<RoutingTable, 'copies' | 'architectures'>,
    subject: RoutingSubject,
    bases: readonly NamedImage[],
  ) {
    this.#table = table;
    this.#subject = subject;
    this.#bases = bases;
  }

  /** Whether a copy of that base is offered; one that is not is told of. */
  takes({ by, image }: Candidate, base: NamedImage): boolean {
    const why = whyLeftOut(this.#table.copies, {
      ...{ by, copy: image, base: base.text, bases: this.#has },
      namespace: this.#subject.namespace,
      architectures: this.#architectures,
    });
    if (why !== undefined) this.leftOut.push(why);
    return why === undefined;
  }

  readonly #has = {
    has: (image: string) => {
      const key = placeKeyOf(image);
      return this.#bases.some(({ text }) => placeKeyOf(text) === key);
    },
  };

  readonly #architectures = () => {
    const { architectures } = this.#table;
    const found = podArchitectures(this.#subject.spec ?? {}, architectures ?? []);
    // Of a Pod that says nothing itself nothing is known while the nodes are not.
    return architectures === undefined && found.length === 0 ? undefined : found;
  };
}
