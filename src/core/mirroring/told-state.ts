import type { MirrorCopyState } from '#api/image-set-mirror-status.ts';

/** Where the actor of a copy can be (`machines/mirrored-image.ts`). */
export type CopyActorState =
  | MirrorCopyState
  | 'Checking'
  | 'Copying'
  | 'Deleting'
  | 'Gone'
  | 'Broken';

/**
 * What a status tells of a copy: it knows no work, only what came of it. One that another resource
 * still uses is unused to the resource that does not.
 */
export function toldState(
  state: CopyActorState,
  { isMirrored, isUnused }: { readonly isMirrored: boolean; readonly isUnused: boolean },
): MirrorCopyState {
  if (state === 'Deleting' || state === 'Gone') return 'Expired';
  if (state === 'Copying') return 'Scheduled';
  const isKept = state === 'Checking' || state === 'Broken' || state === 'Available';
  if (!isKept) return state;
  if (isUnused) return 'Unused';
  return isMirrored ? 'Available' : 'Scheduled';
}
