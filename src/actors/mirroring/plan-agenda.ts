import type { Releases } from '#core/mirroring/running-images.ts';

/** What is to be planned in one round. */
export interface PlanRound {
  readonly images: ReadonlySet<string>;
  /** What all Pods have released since the last round. */
  readonly released?: Releases;
}

/** Which images of one resource are to be planned again, beside those whose use has changed. */
export class PlanAgenda {
  /** Images of which something other than their use may have changed. */
  #touched = new Set<string>();
  #releases: Releases[] = [];

  /** Who claims a copy of an image has changed. */
  readonly touch = (image: string): void => void this.#touched.add(image);

  readonly release = (releases: Releases, images: Iterable<string>): void => {
    this.#releases.push(releases);
    for (const image of images) this.#touched.add(image);
  };

  /** All of these, and what was put down since the last round. */
  readonly take = (...groups: readonly Iterable<string>[]): PlanRound => {
    const images = this.#touched;
    for (const group of groups) for (const image of group) images.add(image);
    const releases = this.#releases;
    this.#touched = new Set();
    this.#releases = [];
    if (releases.length === 0) return { images };
    const released = {
      taken: new Set(releases.flatMap(({ taken }) => [...taken])),
      running: new Set(releases.flatMap(({ running }) => [...running])),
      originals: new Set(releases.flatMap(({ originals }) => [...originals])),
    };
    return { images, released };
  };
}
