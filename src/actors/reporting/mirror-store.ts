import type { Runtime } from '#actors/runtime.ts';
import { kinds } from '#api/kinds.ts';
import { type MirrorStatus, mirrorStatus } from '#core/mirroring/mirror-status.ts';
import type { MirroredImage } from '#core/mirroring/mirrored-image.ts';
import type { StatusIdentity } from './overflow-objects.ts';
import { StatusStore, type StatusStoreOptions } from './status-store.ts';

/** What is written of mirrored images. */
export type MirrorStore = StatusStore<MirroredImage, MirrorStatus>;

/** Makes the store of both mirror kinds, which are named `Kind/[namespace/]name`. */
export function mirrorStore(
  runtime: Pick<Runtime, 'log' | 'now'>,
  where: Pick<StatusStoreOptions<MirroredImage, MirrorStatus>, 'client' | 'namespace'>,
): MirrorStore {
  return new StatusStore(runtime, {
    ...where,
    statusKind: mirrorStatus(runtime.now),
    fieldManager: 'kuik-mirroring',
    writesUntilGone: true,
    unreadMessage: 'what was mirrored cannot be read yet',
    identityOf: mirrorIdentity,
  });
}

/** The object that `Kind/[namespace/]name` means. */
export function mirrorIdentity(resource: string): StatusIdentity {
  const [kind, ...path] = resource.split('/');
  const found = kinds.find((info) => info.kind === kind);
  const [name = '', namespace] = path.toReversed();
  if (found === undefined || name === '') throw new Error(`no resource: ${resource}`);
  return namespace === undefined
    ? { kind: found.kind, name }
    : { kind: found.kind, namespace, name };
}
