import { setup } from 'xstate';
import { effect } from './effect.ts';

/** What the actor of one (Cluster)ImageSetMirror is told. */
export type MirrorSetEvent =
  /** Something changed: what is to be copied and deleted is found out anew. */
  | { readonly type: 'plan.began' }
  /** It was found out; copies are to be made. */
  | { readonly type: 'copies.wanted' }
  /** It was found out, or they have been made; nothing is to be done now. */
  | { readonly type: 'copies.done' }
  /** The resource is being deleted, and its copies with it. */
  | { readonly type: 'set.deleted' };

/** Which resource it is. */
export interface MirrorSetInput {
  /** `Kind/[namespace/]name`. */
  readonly resource: string;
}

/** One (Cluster)ImageSetMirror: what it still has to do, and its end. */
export const mirrorSetMachine = setup({
  types: {
    input: {} as MirrorSetInput,
    context: {} as MirrorSetInput,
    events: {} as MirrorSetEvent,
  },
  actors: {
    /** Deletes its copies, and lets it go; resolves when nothing of it is left to do. */
    finalize: effect<void, MirrorSetInput>('finalize'),
  },
}).createMachine({
  id: 'mirror-set',
  description: 'One (Cluster)ImageSetMirror, from its first plan to its end.',
  context: ({ input: { resource } }) => ({ resource }),
  on: { 'set.deleted': '.Finalizing' },
  initial: 'Planning',
  states: {
    Planning: {
      description: 'What its Pods use is compared with what its mirrors hold.',
      on: { 'copies.wanted': 'Working', 'copies.done': 'Waiting' },
    },
    Working: {
      description: 'Copies of it are to be made, or are being made.',
      on: { 'plan.began': 'Planning', 'copies.done': 'Waiting' },
    },
    Waiting: {
      description: 'All is as it should be; waits for a change, or for what is due by itself.',
      on: { 'plan.began': 'Planning', 'copies.wanted': 'Working' },
    },
    Finalizing: {
      description: 'It is being deleted: its copies go first, where its cleanup says so.',
      on: { 'set.deleted': {} },
      invoke: {
        src: 'finalize',
        input: ({ context: { resource } }) => ({ resource }),
        onDone: 'Gone',
      },
    },
    Gone: { description: 'Nothing of it is left to do.', type: 'final' },
  },
});
