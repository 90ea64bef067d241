import { fromPromise } from 'xstate';
import { pause, withDeadline } from '#actors/deadline.ts';
import { type SupervisorLogic, supervise } from '#actors/supervisor.ts';
import type { TimerHeap } from '#actors/timer-heap.ts';
import { ATTEMPTS_MAX, isRetryable, makesSuspect } from '#core/probe.ts';
import {
  type PingOutcome,
  type RegistryInput,
  registryMachine,
  type WaitInput,
} from '#machines/registry.ts';
import type { OciClient } from '#oci/client.ts';
import type { OciFailure } from '#oci/errors.ts';

/** The supervisor that the root starts as `registries`: one registry actor a host. */
export type RegistriesLogic = SupervisorLogic<typeof registryMachine>;

/** What the registry actors do with the world. */
export interface RegistriesLogicOptions {
  readonly client: Pick<OciClient, 'ping'>;
  /** How long a background probe may take: as long as any probe, `routing.activeCheck.timeout`. */
  readonly pingTimeoutMs: number;
  readonly clock: TimerHeap;
  readonly onCrash?: (id: string, error: unknown) => void;
}

/** The registry machine with its effects, supervised. `createRegistries` tells it whom to start. */
export function registriesLogic(options: RegistriesLogicOptions): RegistriesLogic {
  const { client, pingTimeoutMs, clock, onCrash } = options;
  const ping = fromPromise<PingOutcome, RegistryInput>(({ input, signal }) =>
    withDeadline(clock, { deadlineMs: pingTimeoutMs, signal }, (bounded) =>
      pingRegistry(client, input.host, bounded),
    ),
  );
  const wait = fromPromise<void, WaitInput>(async ({ input, signal }) => {
    await pause(clock, input.delayMs, signal);
  });
  return supervise({
    type: 'registry',
    logic: registryMachine.provide({ actors: { ping, wait } }),
    policy: 'object',
    clock,
    ...(onCrash !== undefined && { onCrash }),
  });
}

/** A reset may be no more than the end of an idle connection, so it is retried like any other. */
async function pingRegistry(
  client: Pick<OciClient, 'ping'>,
  host: string,
  signal: AbortSignal,
): Promise<PingOutcome> {
  for (let sent = 1; ; sent += 1) {
    const answer = await client.ping(host, signal);
    if (answer.ok || !isDead(answer.error)) return { kind: 'alive' };
    const { error } = answer;
    if (sent === ATTEMPTS_MAX || signal.aborted || !isRetryable('GET', error)) {
      return { kind: 'dead', message: error.message };
    }
  }
}

/** What makes a suspect also keeps it one; an answer that makes no sense is one, too. */
function isDead(failure: OciFailure): boolean {
  if (failure.kind !== 'connection') return false;
  return makesSuspect({ ...failure, kind: 'Unreachable' });
}
