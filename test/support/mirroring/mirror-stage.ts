import { mirrorStore } from '#actors/reporting/mirror-store.ts';
import type { MirrorCopy, MirroredImage } from '#core/mirroring/mirrored-image.ts';
import { type StatusStage, statusStage } from '#test/support/status/status-stage.ts';
import { mirrored } from './mirrored-images.ts';

/** One resource of a mirror kind on the real API server, and what writes and reads its status. */
export interface MirrorStage extends StatusStage<MirroredImage> {
  /** An image of this resource. */
  readonly image: (
    image: string,
    copies?: readonly Partial<MirrorCopy>[],
    given?: Partial<MirroredImage>,
  ) => MirroredImage;
}

/** Makes the resource, in a namespace of its own where it is namespaced; all goes with the test. */
export async function mirrorStage(
  kind: 'ClusterImageSetMirror' | 'ImageSetMirror',
): Promise<MirrorStage> {
  const stage = await statusStage({
    kind,
    spec: {
      imageFilter: { include: ['.*'] },
      mirrors: [{ registry: 'mirror-0.example.com' }, { registry: 'mirror-1.example.com' }],
    },
    isNamespaced: kind === 'ImageSetMirror',
    nameOf: ({ namespace, name }) =>
      namespace === undefined ? `${kind}/${name}` : `${kind}/${namespace}/${name}`,
    store: mirrorStore,
  });
  const { resource } = stage;
  return {
    ...stage,
    image: (image, copies = [{}], given = {}) => mirrored(image, copies, { resource, ...given }),
  };
}
