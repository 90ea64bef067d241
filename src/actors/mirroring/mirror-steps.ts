import { parseReference } from '#core/image/reference.ts';
import type { Claimant, ClaimIndex } from '#core/mirroring/claimants.ts';
import { type CopyPlace, placeKey, placeKeyOf } from '#core/mirroring/copy-places.ts';
import type { MirrorStep } from '#core/mirroring/mirror-plan.ts';
import type { MirroredImage } from '#core/mirroring/mirrored-image.ts';
import type { MirrorPods } from './mirror-pods.ts';
import type { MirrorEntry, ResourceMirror } from './resource-mirror.ts';

/** Who depends on what a resource's images come to. */
export interface MirrorStepsOptions {
  readonly claims: Pick<ClaimIndex, 'update'>;
  readonly wants: Pick<MirrorPods, 'recordChanged'>;
  readonly touch: (claimants: readonly Claimant[]) => void;
  /** Has an image of this resource planned again. */
  readonly touchOwn: (image: string) => void;
}

/** Does to the images of one resource, and to the actors of their copies, what was planned. */
export class MirrorSteps {
  readonly #mirror: ResourceMirror;
  readonly #options: MirrorStepsOptions;

  constructor(mirror: ResourceMirror, options: MirrorStepsOptions) {
    this.#mirror = mirror;
    this.#options = options;
  }

  readonly apply = (step: MirrorStep): void => {
    const { image } = step;
    const entry = step.kind === 'use' ? this.#mirror.add(image) : this.#mirror.get(image);
    if (entry === undefined) return;
    if (step.kind === 'renew') {
      // Whoever shares it is told nothing by this: it stands as before, until it is done.
      entry.copies.get(step.copy)?.send({ type: 'copy.outdated' });
      return;
    }
    this.#applyTo(entry, step);
    const { claims, touch } = this.#options;
    touch(claims.update(this.#mirror.resource, image));
  };

  /** Has an image looked after as its status had it; what has no place any more is left to its mirror. */
  readonly restore = (image: MirroredImage): void => {
    const entry = this.#mirror.add(image.image, image.unusedSinceMs);
    if (entry === undefined) return;
    const places = this.#mirror.places(image.image);
    const isReadable = this.#mirror.compiled !== undefined;
    for (const recorded of image.copies) {
      const place = isReadable
        ? places.find(({ copy }) => copy === recorded.copy)
        : placeOfRecorded(recorded.copy);
      if (place !== undefined) this.#mirror.addCopy(entry, place, recorded);
    }
    this.#options.claims.update(this.#mirror.resource, image.image);
  };

  #applyTo(entry: MirrorEntry, step: Exclude<MirrorStep, { kind: 'renew' }>): void {
    if (step.kind === 'use') this.#setUnused(entry, undefined);
    else if (step.kind === 'unuse') this.#unuse(entry, step.sinceMs);
    else if (step.kind === 'copy') this.#copy(entry, step.place);
    else if (step.kind === 'collide') this.#collide(entry, step);
    else if (step.kind === 'expire') entry.copies.get(step.copy)?.send({ type: 'copy.expired' });
    else if (step.kind === 'revive') entry.copies.get(step.copy)?.send({ type: 'copy.revived' });
    else if (step.kind === 'drop') this.#drop(entry, step.copy);
    else this.#mirror.remove(step.image);
  }

  #unuse(entry: MirrorEntry, sinceMs: number): void {
    this.#setUnused(entry, sinceMs);
    // Now that it is unused, it is to be found out what becomes of its copies.
    this.#options.touchOwn(entry.image);
  }

  #copy(entry: MirrorEntry, place: CopyPlace): void {
    const present = entry.copies.get(place.copy);
    if (present === undefined) this.#mirror.addCopy(entry, place);
    else present.send({ type: 'retry.due' });
    this.#options.wants.recordChanged(place.key);
  }

  #drop(entry: MirrorEntry, copy: string): void {
    this.#mirror.dropCopy(entry, copy);
    this.#options.wants.recordChanged(placeKeyOf(copy));
  }

  #setUnused(entry: MirrorEntry, sinceMs: number | undefined): void {
    entry.unusedSinceMs = sinceMs;
    if (sinceMs === undefined) this.#mirror.unused.delete(entry.image);
    else this.#mirror.unused.add(entry.image);
    this.#mirror.tellUse(entry.image);
  }

  #collide(entry: MirrorEntry, { copy, message }: Extract<MirrorStep, { kind: 'collide' }>): void {
    const present = entry.copies.get(copy);
    const place = this.#mirror.places(entry.image).find((one) => one.copy === copy);
    if (present !== undefined) present.send({ type: 'copy.collides', message });
    else if (place !== undefined) {
      this.#mirror.addCopy(entry, place, { copy, state: 'Collision', lastError: message });
    }
  }
}

/** Where a copy lies whose resource has a mistake: who mends it says under which of its entries. */
function placeOfRecorded(copy: string): CopyPlace | undefined {
  const parsed = parseReference(copy);
  if (!parsed.ok) return undefined;
  const reference = parsed.value;
  const cleanup = { enabled: false, retentionMs: 0 };
  const location = { registry: reference.registry, path: '' };
  const entry = { declaration: 0, priority: 0, location, cleanup };
  return { ...{ copy, reference, entry, cleanup }, key: placeKey(reference) };
}
