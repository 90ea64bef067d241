import { assign, setup } from 'xstate';
import type { MirrorCopyState } from '#api/image-set-mirror-status.ts';
import { type CopyFailure, isPermanent } from '#core/mirroring/copy-outcome.ts';
import { recordPush } from '#core/mirroring/copy-record.ts';
import type { MirrorCopy } from '#core/mirroring/mirrored-image.ts';
import { effect, toEvent, toOutput } from './effect.ts';

/** What the actor of one copy is told. */
export type MirroredImageEvent =
  /** Its place in the queue of its target has come. */
  | { readonly type: 'turn.came' }
  /** It is to be asked for: at the start of a term, and once an hour. */
  | { readonly type: 'look.due' }
  /** Nothing stands in its place, and its first byte is about to go there. */
  | { readonly type: 'push.began' }
  /** Somebody saw that it is not there any more. */
  | { readonly type: 'copy.lost'; readonly message: string }
  /** Another image has its place on the mirror. */
  | { readonly type: 'copy.collides'; readonly message: string }
  /** What failed is tried again: time has passed, or a spec, a Secret or a Pod has changed. */
  | { readonly type: 'retry.due' }
  /** A Pod in the scope of one of its resources uses the image. */
  | { readonly type: 'image.used' }
  /** None does any more. */
  | { readonly type: 'image.unused' }
  /** It was unused for as long as its resources say. */
  | { readonly type: 'copy.expired' }
  /** It is not due any more, although nobody may use it: it is kept as before. */
  | { readonly type: 'copy.revived' }
  /** Every replica has had the time to see that it is `Expired`. */
  | { readonly type: 'deletion.due' }
  /** No resource has a place for it any more; what stands on the mirror stays there. */
  | { readonly type: 'copy.dropped' };

/** Which copy of which image it is. */
export interface CopyKey {
  /** `<registry>[/<path>]` of the mirror. */
  readonly target: string;
  /** The original, in full form. */
  readonly image: string;
}

/** What a status tells of a copy, beside its state. */
export type KnownCopy = Omit<MirrorCopy, 'state'>;

/** What is remembered of a copy; never a secret. */
export interface MirroredImageContext extends CopyKey {
  readonly known: KnownCopy;
  /** No Pod in the scope of any of its resources uses it. */
  readonly isUnused: boolean;
  /** Attempts, or deletions, that failed one after another. */
  readonly failures: number;
  /** Wall time in ms before which a registry does not want to be asked again. */
  readonly retryAtMs: number | null;
  /** Where it stood when its actor began; forgotten at once. */
  readonly before: MirrorCopyState | null;
}

/** A copy as a status had it, or as nobody knows it yet. */
export type MirroredImageInput = Pick<
  MirroredImageContext,
  'target' | 'image' | 'known' | 'isUnused'
> &
  Partial<Pick<MirroredImageContext, 'failures' | 'retryAtMs' | 'before'>>;

/** What one attempt came to. */
export type CopyEnd = { readonly kind: 'copied'; readonly known: KnownCopy } | CopyFailure;

/** What looking at a copy came to. */
export type LookOutcome =
  | { readonly kind: 'present' }
  /** Gone, changed, or without one of its children. */
  | { readonly kind: 'lost'; readonly message: string }
  /** Its registry did not say. */
  | { readonly kind: 'unknown' };

/** What a deletion came to. */
export type DeletionOutcome =
  /** Nothing of it is left there. */
  | { readonly kind: 'deleted' }
  /** What stands there is not what was recorded: it is nobody's to delete and stays. */
  | { readonly kind: 'kept'; readonly message: string }
  /** A Pod wants it after all. */
  | { readonly kind: 'wanted' }
  /** To be tried again. */
  | DeletionFailure;

/** Why a deletion has to be tried again. */
export interface DeletionFailure {
  readonly kind: 'failed';
  readonly message: string;
  readonly retryAtMs?: number;
}

const rememberEnd = { type: 'rememberEnd' as const, params: toOutput<CopyEnd> };
const whenCopied = (type: 'isCopied' | 'isCollision' | 'isPermanent') => ({
  ...{ type, params: toOutput<CopyEnd> },
});
const whenDeleted = (type: 'isOver' | 'isWanted') => ({
  ...{ type, params: toOutput<DeletionOutcome> },
});
const toKey = ({ context: { target, image } }: { readonly context: CopyKey }): CopyKey => ({
  ...{ target, image },
});
const used = { target: 'Scheduled', actions: 'use' } as const;
const unused = { target: 'Unused', actions: 'unuse' } as const;
const lost = { type: 'rememberLoss' as const, params: toEvent };
const deletionFailed = {
  ...{ type: 'rememberDeletion' as const, params: toOutput<DeletionOutcome> },
};

/** One image on one mirror: copied, looked after, copied again, deleted when nobody wants it. */
export const mirroredImageMachine = setup({
  types: {
    input: {} as MirroredImageInput,
    context: {} as MirroredImageContext,
    events: {} as MirroredImageEvent,
  },
  actors: {
    lookAtCopy: effect<LookOutcome, CopyKey>('lookAtCopy'),
    copyImage: effect<CopyEnd, CopyKey>('copyImage'),
    deleteCopy: effect<DeletionOutcome, CopyKey>('deleteCopy'),
  },
  guards: {
    was: ({ context }, { state }: { readonly state: MirrorCopyState }) => context.before === state,
    isUnused: ({ context }) => context.isUnused,
    isMirrored: ({ context }) => context.known.mirroredAtMs !== undefined,
    isCopied: (_, { kind }: CopyEnd) => kind === 'copied',
    isCollision: (_, end: CopyEnd) => end.kind === 'failed' && end.reason === 'collision',
    isPermanent: (_, end: CopyEnd) => end.kind === 'failed' && isPermanent(end),
    isOver: (_, { kind }: DeletionOutcome) => kind === 'deleted' || kind === 'kept',
    isWanted: (_, { kind }: DeletionOutcome) => kind === 'wanted',
  },
  actions: {
    forgetBefore: assign({ before: null }),
    rememberEnd: assign(({ context }, end: CopyEnd) =>
      end.kind === 'copied'
        ? { known: end.known, failures: 0, retryAtMs: null }
        : afterFailure(context, end),
    ),
    rememberDeletion: assign(({ context }, outcome: DeletionOutcome) =>
      outcome.kind === 'failed' ? afterFailure(context, outcome) : context,
    ),
    rememberLoss: assign(({ context }, { message }: { readonly message: string }) =>
      afterLoss(context, message),
    ),
    rememberLook: assign(({ context }, outcome: LookOutcome) =>
      outcome.kind === 'lost' ? afterLoss(context, outcome.message) : context,
    ),
    rememberCollision: assign(
      ({ context: { known } }, { message }: { readonly message: string }) => ({
        known: { ...known, lastError: message },
      }),
    ),
    rememberPush: assign(({ context: { known } }) => {
      const { state: _, ...others } = recordPush({ ...known, state: 'Scheduled' });
      return { known: others };
    }),
    use: assign({ isUnused: false, failures: 0, retryAtMs: null }),
    unuse: assign({ isUnused: true }),
  },
}).createMachine({
  id: 'mirrored-image',
  description: 'One image on one mirror, for all resources that want it there.',
  context: ({ input }) => ({ failures: 0, retryAtMs: null, before: null, ...input }),
  initial: 'Scheduled',
  on: {
    'image.used': { actions: 'use' },
    'image.unused': { actions: 'unuse' },
    'copy.collides': {
      target: '.Collision',
      actions: { type: 'rememberCollision', params: toEvent },
    },
    'copy.dropped': '.Gone',
  },
  states: {
    Scheduled: {
      description: 'Waits for its place in the queue of its target; what is there goes on at once.',
      always: [
        { guard: { type: 'was', params: { state: 'Expired' } }, target: 'Expired' },
        { guard: { type: 'was', params: { state: 'Collision' } }, target: 'Collision' },
        { guard: 'isUnused', target: 'Unused' },
        { guard: 'isMirrored', target: 'Available' },
      ],
      on: { 'turn.came': 'Copying', 'image.unused': unused },
      exit: 'forgetBefore',
    },
    Checking: {
      description: 'Its mirror is asked whether it stands there as it was recorded, complete.',
      on: { 'copy.lost': { target: 'Scheduled', actions: lost }, 'copy.expired': 'Expired' },
      invoke: {
        src: 'lookAtCopy',
        input: toKey,
        onDone: {
          target: 'Scheduled',
          actions: { type: 'rememberLook', params: toOutput<LookOutcome> },
        },
      },
    },
    Copying: {
      description: 'One attempt is in flight; leaving this state aborts the transfer.',
      on: { 'image.unused': unused, 'push.began': { actions: 'rememberPush' } },
      invoke: {
        src: 'copyImage',
        input: toKey,
        onDone: [
          { guard: whenCopied('isCopied'), target: 'Available', actions: rememberEnd },
          { guard: whenCopied('isCollision'), target: 'Collision', actions: rememberEnd },
          { guard: whenCopied('isPermanent'), target: 'Failed', actions: rememberEnd },
          { target: 'BackingOff', actions: rememberEnd },
        ],
      },
    },
    Available: {
      description: 'It stands on its mirror, as far as anybody knows.',
      on: {
        'look.due': 'Checking',
        'copy.lost': { target: 'Scheduled', actions: lost },
        'image.unused': unused,
      },
    },
    BackingOff: {
      description: 'The last attempt failed of what time heals; it is tried again by and by.',
      on: { 'retry.due': 'Scheduled', 'image.unused': unused },
    },
    Failed: {
      description:
        'Nothing that time heals; a new spec, Secret or Pod tries again, at the latest an hour.',
      on: { 'retry.due': 'Scheduled', 'image.unused': unused },
    },
    Collision: {
      description: 'Another image has its place on the mirror, and keeps it.',
      on: { 'retry.due': 'Scheduled', 'image.unused': unused },
    },
    Unused: {
      description: 'No Pod uses the image; what stands on the mirror is kept for a while.',
      on: {
        'image.used': used,
        'look.due': 'Checking',
        'copy.lost': { actions: lost },
        'copy.expired': 'Expired',
      },
    },
    Expired: {
      description: 'Offered to nobody any more: it is deleted unless a Pod wants it first.',
      on: {
        'image.used': used,
        'copy.lost': { actions: lost },
        'copy.revived': 'Scheduled',
        'deletion.due': 'Deleting',
      },
    },
    Deleting: {
      description: 'Its mirror is asked to delete it; whoever wants it waits for the answer.',
      // What was sent may be done after it was given up: until the answer nobody is offered it.
      on: { 'copy.collides': {} },
      invoke: {
        src: 'deleteCopy',
        input: toKey,
        onDone: [
          { guard: whenDeleted('isOver'), target: 'Gone' },
          { guard: whenDeleted('isWanted'), target: 'Scheduled' },
          { guard: 'isUnused', target: 'Expired', actions: deletionFailed },
          { target: 'Checking', actions: [deletionFailed, 'use'] },
        ],
      },
    },
    Gone: { description: 'Nobody keeps track of it any more.', type: 'final' },
  },
});

function afterFailure(
  { known, failures }: MirroredImageContext,
  { message, retryAtMs, reason }: DeletionFailure & Partial<Pick<CopyFailure, 'reason'>>,
) {
  return {
    known: { ...known, lastError: message, ...(reason !== undefined && { failure: reason }) },
    ...{ failures: failures + 1, retryAtMs: retryAtMs ?? null },
  };
}

function afterLoss({ known }: MirroredImageContext, message: string) {
  const { mirroredAtMs: _, failure: __, ...others } = known;
  return { known: { ...others, lastError: message }, failures: 0, retryAtMs: null };
}
