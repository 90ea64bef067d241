import type { AnyStateMachine } from 'xstate';
import { availabilitySetMachine } from './availability-set.ts';
import { certificateMachine } from './certificate.ts';
import { leadershipMachine } from './leadership.ts';
import { reconcileMachine } from './reconcile.ts';
import { registryMachine } from './registry.ts';
import { trackedImageMachine } from './tracked-image.ts';

/** Every machine there is, by the alphabet: what `/debug/machines` and `docs/machines` show. */
export const allMachines: readonly AnyStateMachine[] = [
  availabilitySetMachine,
  certificateMachine,
  leadershipMachine,
  reconcileMachine,
  registryMachine,
  trackedImageMachine,
];
