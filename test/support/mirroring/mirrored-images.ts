import type { MirrorCopy, MirroredImage } from '#core/mirroring/mirrored-image.ts';

/** A moment in the history of tests, in ms. */
export const someTimeMs = Date.parse('2026-03-01T12:00:00Z');

/** An image in use that is mirrored by `ClusterImageSetMirror/all`, its copies as given. */
export function mirrored(
  image: string,
  copies: readonly Partial<MirrorCopy>[] = [{}],
  given: Partial<MirroredImage> = {},
): MirroredImage {
  return {
    resource: 'ClusterImageSetMirror/all',
    image,
    copies: copies.map((copy, index) => copyOf(image, index, copy)),
    ...given,
  };
}

/** The copy of an image on one of the mirrors, there unless told otherwise. */
export function copyOf(image: string, mirror: number, given: Partial<MirrorCopy> = {}): MirrorCopy {
  const path = image.slice(image.indexOf('/') + 1);
  const copy = `mirror-${mirror}.example.com/${path}`;
  const { state = 'Available' } = given;
  return {
    ...{ copy, state },
    ...(['Available', 'Unused', 'Expired'].includes(state) && {
      mirroredAtMs: someTimeMs,
      digest: digestOf(copy),
      sourceDigest: digestOf(image),
    }),
    ...given,
  };
}

/** So many images with so many copies each; each tenth failed, each seventh is not in use. */
export function manyMirrored(count: number, copies = 1, resource?: string): MirroredImage[] {
  return Array.from({ length: count }, (_, index) => {
    const copy: Partial<MirrorCopy> =
      index % 10 === 0 ? { state: 'BackingOff', lastError: `manifest ${index} unknown` } : {};
    return mirrored(
      `registry-${index % 40}.example.com/team-${index % 97}/service-${index}:v1.${index}`,
      Array.from({ length: copies }, () => copy),
      {
        ...(index % 7 === 0 && { unusedSinceMs: someTimeMs - index * 1_000 }),
        ...(resource !== undefined && { resource }),
      },
    );
  });
}

/** Some digest, another one for another text. */
export function digestOf(text: string): string {
  let hash = 7n;
  for (const character of text) {
    hash = (hash * 31n + BigInt(character.charCodeAt(0))) % 2n ** 256n;
  }
  return `sha256:${hash.toString(16).padStart(64, '0')}`;
}
