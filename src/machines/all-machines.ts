import type { AnyStateMachine } from 'xstate';
import { certificateMachine } from './certificate.ts';
import { leadershipMachine } from './leadership.ts';
import { leaseMachine } from './lease.ts';
import { mirrorSetMachine } from './mirror-set.ts';
import { mirrorTargetMachine } from './mirror-target.ts';
import { mirroredImageMachine } from './mirrored-image.ts';
import { reconcileMachine } from './reconcile.ts';
import { registryMachine } from './registry.ts';
import { trackedImageMachine } from './tracked-image.ts';

/** Every machine there is, by the alphabet: what `/debug/machines` and `docs/machines` show. */
export const allMachines: readonly AnyStateMachine[] = [
  certificateMachine,
  leadershipMachine,
  leaseMachine,
  mirrorSetMachine,
  mirrorTargetMachine,
  mirroredImageMachine,
  reconcileMachine,
  registryMachine,
  trackedImageMachine,
];
