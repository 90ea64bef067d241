import { assign, setup } from 'xstate';
import { describeBug, type Thrown } from './bug.ts';
import { effect } from './effect.ts';

/** What a registry's actor is told by those who spoke to its registry. */
export type RegistryEvent =
  /** A connection failed or timed out (`makesSuspect` in core/probe.ts), retries included. */
  | { readonly type: 'connection.failed'; readonly message: string }
  /** A credential was told to wait (429); others may go on. */
  | { readonly type: 'quota.exceeded' }
  /** The last credential that had to wait may ask again. */
  | { readonly type: 'quota.renewed' };

/** Which registry it is. */
export interface RegistryInput {
  /** Host with its port, as in a normalised reference. */
  readonly host: string;
}

/** What a background probe (`GET /v2/`) came to: any answer of any status is `alive`. */
export type PingOutcome =
  | { readonly kind: 'alive' }
  | { readonly kind: 'dead'; readonly message: string };

/** How long to wait before the next background probe. */
export interface WaitInput {
  readonly delayMs: number;
}

/** What is remembered about one registry; never a credential. */
export interface RegistryContext extends RegistryInput {
  /** Background probes that failed one after another. */
  readonly failures: number;
  /** What the last connection failed of; null while all is well. */
  readonly trouble: string | null;
  readonly bug: string | null;
}

/** The wait after the first failed background probe (behaviour §3.5); doubles from there… */
export const pingDelayMsMin = 1_000;
/** …to this: a registry that is back is found out within half a minute. */
export const pingDelayMsMax = 30_000;

/** The wait after so many background probes failed one after another, ms. */
export function pingDelayMs(failures: number): number {
  return Math.min(pingDelayMsMin * 2 ** Math.max(0, failures - 1), pingDelayMsMax);
}

/**
 * One registry, as far as what it does to others goes: whether it can be reached, and whether it
 * throttles us. Only a background probe opens the circuit, and only such a probe closes it.
 */
export const registryMachine = setup({
  types: {
    input: {} as RegistryInput,
    context: {} as RegistryContext,
    events: {} as RegistryEvent,
  },
  actors: {
    ping: effect<PingOutcome, RegistryInput>('ping'),
    wait: effect<void, WaitInput>('wait'),
  },
  guards: {
    alive: (_, outcome: PingOutcome) => outcome.kind === 'alive',
  },
  actions: {
    rememberTrouble: assign((_, { message }: { readonly message: string }) => ({
      trouble: message,
      failures: 0,
    })),
    countFailure: assign(({ context }, outcome: PingOutcome) =>
      outcome.kind === 'dead'
        ? { trouble: outcome.message, failures: context.failures + 1 }
        : context,
    ),
    forgetTrouble: assign({ trouble: null, failures: 0 }),
    rememberBug: assign((_, { error }: Thrown) => ({ bug: describeBug(error) })),
  },
}).createMachine({
  id: 'registry',
  description: 'One registry: whether it can be reached, and whether it throttles us.',
  context: ({ input }) => ({ host: input.host, failures: 0, trouble: null, bug: null }),
  initial: 'Known',
  states: {
    Known: {
      description: 'In use; its two sides change independently.',
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
                  actions: { type: 'rememberTrouble', params: ({ event }) => event },
                },
              },
            },
            Suspect: {
              description: 'A connection failed: set aside while a background probe finds out.',
              invoke: {
                id: 'suspectPing',
                src: 'ping',
                input: ({ context }) => ({ host: context.host }),
                onDone: [
                  {
                    guard: { type: 'alive', params: ({ event }) => event.output },
                    target: 'Closed',
                    actions: 'forgetTrouble',
                  },
                  {
                    target: 'Open',
                    actions: { type: 'countFailure', params: ({ event }) => event.output },
                  },
                ],
                onError: {
                  target: '#registry.Broken',
                  actions: { type: 'rememberBug', params: ({ event }) => ({ error: event.error }) },
                },
              },
            },
            Open: {
              description: 'Down: set aside until a background probe is answered.',
              invoke: {
                src: 'wait',
                input: ({ context }) => ({ delayMs: pingDelayMs(context.failures) }),
                onDone: 'HalfOpen',
                onError: {
                  target: '#registry.Broken',
                  actions: { type: 'rememberBug', params: ({ event }) => ({ error: event.error }) },
                },
              },
            },
            HalfOpen: {
              description: 'A background probe asks whether it is back; still set aside.',
              invoke: {
                id: 'halfOpenPing',
                src: 'ping',
                input: ({ context }) => ({ host: context.host }),
                onDone: [
                  {
                    guard: { type: 'alive', params: ({ event }) => event.output },
                    target: 'Closed',
                    actions: 'forgetTrouble',
                  },
                  {
                    target: 'Open',
                    actions: { type: 'countFailure', params: ({ event }) => event.output },
                  },
                ],
                onError: {
                  target: '#registry.Broken',
                  actions: { type: 'rememberBug', params: ({ event }) => ({ error: event.error }) },
                },
              },
            },
          },
        },
        quota: {
          description:
            'Whether a credential was told to wait; which ones is kept beside the actor.',
          initial: 'Free',
          states: {
            Free: {
              description: 'No credential has to wait.',
              on: { 'quota.exceeded': 'Throttled' },
            },
            Throttled: {
              description: 'At least one credential is not used until the registry said so.',
              on: { 'quota.renewed': 'Free' },
            },
          },
        },
      },
    },
    Broken: { description: 'A bug, not a failure: reported to the supervisor.', type: 'final' },
  },
});

/** What the reachability of a registry's actor is; `Closed` is the one that may be asked. */
export type Reachability = 'Closed' | 'Suspect' | 'Open' | 'HalfOpen';
