import { type ActorRefFrom, assign, sendTo, setup } from 'xstate';
import {
  countChecks,
  holdForQuota,
  type PaceMemory,
  type Refusal,
  unpaced,
} from '#core/monitoring/pace.ts';
import { effect, source, toEvent, toOutput } from './effect.ts';

/** What a registry's actor is told by those who spoke to its registry. */
export type RegistryEvent =
  /** A connection failed or timed out (`makesSuspect` in core/probe.ts), retries included. */
  | { readonly type: 'connection.failed'; readonly message: string }
  /** A credential was told to wait (429); others may go on. */
  | ({ readonly type: 'quota.exceeded' } & ToldQuota)
  /** Images wait for their check, and one more check may be on its way. */
  | { readonly type: 'turns.wanted' }
  | { readonly type: 'turns.unwanted' }
  /** Checks until then count, whoever made them; monotonic ms. */
  | { readonly type: 'checks.counted'; readonly atMs: number }
  /** The request of the turn that is being taken has left, or never will; `isWanted`: one more is. */
  | { readonly type: 'turn.began'; readonly atMs: number; readonly isWanted: boolean }
  /** A check was answered with anything but a quota that is used up, after one that was not. */
  | { readonly type: 'turn.answered' }
  /** A check met a quota that is used up. */
  | ({ readonly type: 'turn.refused' } & Refusal);

/** Which registry it is, and what a crashed actor of it still knew. */
export interface RegistryInput extends Partial<PaceMemory> {
  /** Host with its port, as in a normalised reference. */
  readonly host: string;
  /** The time from one check to the next. */
  readonly slotMs: number;
  readonly quotas?: RegistryContext['quotas'];
}

/** The registry that an effect is about. */
export interface HostInput {
  readonly host: string;
}

/** What a background probe (`GET /v2/`) came to: any answer of any status is `alive`. */
export type PingOutcome =
  | { readonly kind: 'alive' }
  | { readonly kind: 'dead'; readonly message: string };

/** Until when one credential has to wait. */
export interface ExceededQuota {
  /** Monotonic time, ms. */
  readonly untilMs: number;
  /** The same as wall time, ms. */
  readonly retryAtMs: number;
  readonly message: string;
}

/** What is remembered about one registry; never a credential. */
export interface RegistryContext extends HostInput, PaceMemory {
  readonly slotMs: number;
  /** Background probes that failed one after another. */
  readonly failures: number;
  /** What the last connection failed of; null while all is well. */
  readonly trouble: string | null;
  /** Fingerprint of a credential → its wait, the one told last at the end. */
  readonly quotas: Readonly<Record<string, ExceededQuota>>;
}

/** The wait after the first failed background probe (behaviour §3.5); doubles from there… */
export const pingDelayMsMin = 1_000;
/** …to this: a registry that is back is found out within half a minute. */
export const pingDelayMsMax = 30_000;
/** Credentials of one registry that are remembered; more Secrets than that hardly name one host. */
export const quotasMax = 256;
/** Only who has a clock can tell how long it is until then: `registry-logic.ts` provides these. */
const unprovidedMs = Number.POSITIVE_INFINITY;

/** A background probe, from a state beside `Closed` and `Open`. */
const ping = {
  src: 'ping' as const,
  input: ({ context: { host } }: { readonly context: HostInput }) => ({ host }),
  onDone: [
    {
      guard: { type: 'alive' as const, params: toOutput<PingOutcome> },
      target: 'Closed',
      actions: 'forgetTrouble' as const,
    },
    { target: 'Open', actions: { type: 'countFailure' as const, params: toOutput<PingOutcome> } },
  ],
};

/**
 * One registry, as far as it concerns all who ask it: whether it can be reached, whom it told to
 * wait, and when it is checked. Only a background probe opens the circuit, and only one closes it.
 */
export const registryMachine = setup({
  types: {
    input: {} as RegistryInput,
    context: {} as RegistryContext,
    events: {} as RegistryEvent,
  },
  actors: {
    ping: effect<PingOutcome, HostInput>('ping'),
    /**
     * Tells the new actor whether turns are wanted; of each change it is told anyway. Told that a
     * turn has come, it takes that of the first in line, and `turn.began` says that its request left.
     */
    line: source<HostInput>('line'),
  },
  guards: {
    alive: (_, outcome: PingOutcome) => outcome.kind === 'alive',
    isHeld: ({ context }) => context.heldUntilMs !== null,
    isThrottled: ({ context }) => Object.keys(context.quotas).length > 0,
    isWanted: (_, { isWanted }: { readonly isWanted: boolean }) => isWanted,
  },
  actions: {
    rememberTrouble: assign((_, { message }: { readonly message: string }) => ({
      trouble: message,
    })),
    countFailure: assign(({ context }, outcome: PingOutcome) =>
      outcome.kind === 'dead'
        ? { trouble: outcome.message, failures: context.failures + 1 }
        : context,
    ),
    forgetTrouble: assign({ trouble: null, failures: 0 }),
    rememberQuota: assign(({ context: { quotas } }, told: ToldQuota) => ({
      quotas: withQuota(quotas, told),
    })),
    forgetQuotas: assign({ quotas: {} }),
    countChecks: assign(({ context }, { atMs }: { readonly atMs: number }) =>
      countChecks(context, atMs),
    ),
    forgetGuesses: assign({ guesses: 0 }),
    hold: assign(({ context }, refusal: Refusal) => holdForQuota(context, refusal, context.slotMs)),
    release: assign({ heldUntilMs: null }),
    takeTurn: sendTo('line', { type: 'turn.take' }),
  },
  delays: {
    pingDelay: ({ context: { failures } }) =>
      Math.min(pingDelayMsMin * 2 ** Math.max(0, failures - 1), pingDelayMsMax),
    untilRenewed: unprovidedMs,
    untilSlot: unprovidedMs,
    untilReleased: unprovidedMs,
  },
}).createMachine({
  id: 'registry',
  description: 'One registry: whether it can be reached, whom it throttles, when it is checked.',
  context: ({ input }) => ({ failures: 0, trouble: null, quotas: {}, ...unpaced, ...input }),
  type: 'parallel',
  states: {
    reachability: {
      description: 'Whether candidates on it are asked, or set aside without a request.',
      initial: 'Closed',
      states: {
        Closed: {
          description: 'Answers, as far as anyone knows: asked like any other.',
          on: {
            'connection.failed': {
              target: 'Suspect',
              actions: { type: 'rememberTrouble', params: toEvent },
            },
          },
        },
        Suspect: {
          description: 'A connection failed: set aside while a background probe finds out.',
          invoke: { ...ping, id: 'suspectPing' },
        },
        Open: {
          description: 'Down: set aside until a background probe is answered.',
          after: { pingDelay: 'HalfOpen' },
        },
        HalfOpen: {
          description: 'A background probe asks whether it is back; still set aside.',
          invoke: { ...ping, id: 'halfOpenPing' },
        },
      },
    },
    quota: {
      description: 'Whether a credential was told to wait; which ones the context says.',
      initial: 'Free',
      on: {
        'quota.exceeded': {
          target: '.Throttled',
          actions: { type: 'rememberQuota', params: toEvent },
        },
      },
      states: {
        Free: {
          description: 'No credential has to wait.',
          always: { guard: 'isThrottled', target: 'Throttled' },
        },
        Throttled: {
          description: 'At least one credential is not used until the registry said so.',
          after: { untilRenewed: { target: 'Free', actions: 'forgetQuotas' } },
        },
      },
    },
    pace: {
      description: 'When the next image is checked, while this process leads.',
      initial: 'Idle',
      invoke: { id: 'line', src: 'line', input: ({ context: { host } }) => ({ host }) },
      on: {
        'checks.counted': { actions: { type: 'countChecks', params: toEvent } },
        'turn.began': { actions: { type: 'countChecks', params: toEvent } },
        'turn.answered': { actions: 'forgetGuesses' },
        'turn.refused': { actions: { type: 'hold', params: toEvent } },
      },
      states: {
        Idle: {
          description: 'Nobody waits for a check, or as many are on their way as may.',
          on: { 'turns.wanted': 'Waiting' },
        },
        Waiting: {
          description: 'The slot of the next check has not come.',
          always: { guard: 'isHeld', target: 'Held' },
          after: { untilSlot: 'Taking' },
          on: {
            'turns.unwanted': 'Idle',
            'checks.counted': {
              target: 'Waiting',
              reenter: true,
              actions: { type: 'countChecks', params: toEvent },
            },
          },
        },
        Taking: {
          description: 'An image has its turn: its Secrets are read, then its request leaves.',
          entry: 'takeTurn',
          on: {
            'turn.began': [
              {
                guard: { type: 'isWanted', params: toEvent },
                target: 'Waiting',
                actions: { type: 'countChecks', params: toEvent },
              },
              { target: 'Idle', actions: { type: 'countChecks', params: toEvent } },
            ],
          },
        },
        Held: {
          description: 'A quota is used up: nobody is checked until the registry said.',
          after: { untilReleased: { target: 'Waiting', actions: 'release' } },
          on: {
            'turns.unwanted': 'Idle',
            'turn.refused': {
              target: 'Held',
              reenter: true,
              actions: { type: 'hold', params: toEvent },
            },
          },
        },
      },
    },
  },
});

/** The actor of one registry. */
export type RegistryRef = ActorRefFrom<typeof registryMachine>;

/** What the reachability of a registry's actor is; `Closed` is the one that may be asked. */
export type Reachability = 'Closed' | 'Suspect' | 'Open' | 'HalfOpen';

interface ToldQuota extends ExceededQuota {
  readonly credential: string;
}

function withQuota(
  quotas: RegistryContext['quotas'],
  { credential, untilMs, retryAtMs, message }: ToldQuota,
): RegistryContext['quotas'] {
  const { [credential]: _, ...others } = quotas;
  const kept = Object.entries(others).slice(1 - quotasMax);
  return { ...Object.fromEntries(kept), [credential]: { untilMs, retryAtMs, message } };
}
