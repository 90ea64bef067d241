import type { MirrorCopyState } from '#api/image-set-mirror-status.ts';

/** Where the actor of a copy can be (`machines/mirrored-image.ts`). */
export type CopyActorState =
  | MirrorCopyState
  | 'Checking'
  | 'Outdated'
  | 'Copying'
  | 'Deleting'
  | 'Gone'
  | 'Broken';

/**
 * What a status tells of a copy: it knows no work, only what came of it. One that another resource
 * still uses is unused to the resource that does not; one that is made anew stands until it is done.
 */
export function toldState(
  state: CopyActorState,
  { isMirrored, isUnused }: { readonly isMirrored: boolean; readonly isUnused: boolean },
): MirrorCopyState {
  if (state === 'Deleting' || state === 'Gone') return 'Expired';
  if (state === 'Copying' && !isMirrored) return 'Scheduled';
  if (!isKept(state)) return state;
  if (isUnused) return 'Unused';
  return isMirrored ? 'Available' : 'Scheduled';
}

type Kept = 'Checking' | 'Outdated' | 'Copying' | 'Broken' | 'Available';

const keptStates: ReadonlySet<CopyActorState> = new Set<Kept>([
  ...(['Checking', 'Outdated', 'Copying', 'Broken', 'Available'] as const),
]);

function isKept(state: CopyActorState): state is Kept {
  return keptStates.has(state);
}
