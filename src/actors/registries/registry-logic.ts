import { fromCallback, fromPromise } from 'xstate';
import { withDeadline } from '#actors/deadline.ts';
import type { Runtime } from '#actors/runtime.ts';
import { type SupervisorLogic, supervise } from '#actors/supervisor.ts';
import { countChecks, nextSlotMs } from '#core/monitoring/pace.ts';
import { ATTEMPTS_MAX, isRetryable, makesSuspect } from '#core/probe.ts';
import { type HostInput, type PingOutcome, registryMachine } from '#machines/registry.ts';
import type { OciClient } from '#oci/client.ts';
import type { OciFailure } from '#oci/errors.ts';
import type { CheckTurns } from './check-turns.ts';

/** The registry machine with its effects, supervised. `Registries` tells it whom to start. */
export function registriesLogic(
  runtime: Runtime,
  options: RegistriesLogicOptions,
): RegistriesLogic {
  return supervise(runtime, {
    type: 'registry',
    logic: registryLogic(runtime, options),
    policy: 'object',
    inherit: ({ context, value }) => {
      const { host, slotMs, quotas, lastMs, heldUntilMs, guesses } = context;
      const pace = { lastMs, heldUntilMs, guesses };
      // A turn that was being taken is used up.
      const known = value.pace === 'Taking' ? countChecks(pace, runtime.clock.now()) : pace;
      return { host, slotMs, quotas, ...known };
    },
  });
}

/** The supervisor that the root starts as `registries`: one registry actor a host. */
export type RegistriesLogic = SupervisorLogic<typeof registryMachine>;

/** What the actors of the registries do with the world. */
export interface RegistriesLogicOptions {
  readonly client: Pick<OciClient, 'ping'>;
  /** How long a background probe may take: as long as any probe, `routing.activeCheck.timeout`. */
  readonly pingTimeoutMs: number;
  readonly turns: Pick<CheckTurns, 'tell' | 'take'>;
}

function registryLogic({ clock }: Runtime, options: RegistriesLogicOptions) {
  const { client, pingTimeoutMs, turns } = options;
  return registryMachine.provide({
    actors: {
      ping: fromPromise<PingOutcome, HostInput>(({ input, signal }) =>
        withDeadline(clock, { deadlineMs: pingTimeoutMs, signal }, (bounded) =>
          pingRegistry(client, input.host, bounded),
        ),
      ),
      line: fromCallback(({ input, receive }) => {
        receive(() => turns.take(input.host));
        turns.tell(input.host);
      }),
    },
    delays: {
      untilRenewed: ({ context }) => {
        const ends = Object.values(context.quotas).map(({ untilMs }) => untilMs - clock.now());
        return Math.max(0, ...ends);
      },
      untilSlot: ({ context }) => Math.max(0, nextSlotMs(context, context.slotMs) - clock.now()),
      untilReleased: ({ context }) => Math.max(0, (context.heldUntilMs ?? 0) - clock.now()),
    },
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
