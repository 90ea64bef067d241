import { type ActorRefFrom, fromPromise } from 'xstate';
import type { Runtime } from '#actors/runtime.ts';
import { type SupervisorLogic, supervise } from '#actors/supervisor.ts';
import type { KuikSystem } from '#actors/system.ts';
import {
  type MirrorSetEvent,
  type MirrorSetInput,
  mirrorSetMachine,
} from '#machines/mirror-set.ts';

/** The supervisor of the actors of all resources that mirror. */
export type MirrorSetsLogic = SupervisorLogic<typeof mirrorSetMachine>;

/** That supervisor's id. */
export const mirrorSetsId = 'mirror-sets';

/** The machine with its effect, supervised. */
export function mirrorSetsLogic(
  runtime: Runtime,
  finalize: (resource: string, signal: AbortSignal) => Promise<void>,
): MirrorSetsLogic {
  return supervise(runtime, {
    type: 'mirror-set',
    policy: 'object',
    logic: mirrorSetMachine.provide({
      actors: {
        finalize: fromPromise<void, MirrorSetInput>(({ input, signal }) =>
          finalize(input.resource, signal),
        ),
      },
    }),
  });
}

/** The way to those actors. */
export class MirrorSets {
  readonly #find: KuikSystem['find'];

  constructor({ find }: Pick<KuikSystem, 'find'>) {
    this.#find = find;
  }

  readonly add = (resource: string): void =>
    this.#supervisor()?.send({ type: 'child.add', key: resource, input: { resource } });

  readonly remove = (resource: string): void =>
    this.#supervisor()?.send({ type: 'child.remove', key: resource });

  readonly send = (resource: string, type: MirrorSetEvent['type']): void =>
    this.#supervisor()?.getSnapshot().children.get(resource)?.send({ type });

  #supervisor(): ActorRefFrom<MirrorSetsLogic> | undefined {
    return this.#find<MirrorSetsLogic>(mirrorSetsId);
  }
}
