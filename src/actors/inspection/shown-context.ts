import type { AnyEventObject, AnyStateMachine, ContextFrom, Snapshot } from 'xstate';
import { childActors } from '#actors/child-actors.ts';
import type { certificateMachine } from '#machines/certificate.ts';
import type { leadershipMachine } from '#machines/leadership.ts';
import type { leaseMachine } from '#machines/lease.ts';
import type { mirrorSetMachine } from '#machines/mirror-set.ts';
import type { mirrorTargetMachine } from '#machines/mirror-target.ts';
import type { mirroredImageMachine } from '#machines/mirrored-image.ts';
import type { reconcileMachine } from '#machines/reconcile.ts';
import type { registryMachine } from '#machines/registry.ts';
import type { trackedImageMachine } from '#machines/tracked-image.ts';
import { redact } from '#telemetry/log.ts';

/** What a frame tells of a machine's context: the fields below, and of these nothing secret. */
export function showContext(machineId: string, context: unknown): unknown {
  const shown = shownFields[machineId] ?? [];
  return pick(context, shown);
}

/** What a frame tells of an actor that is no machine: how many it started, never what it holds. */
export function showLogic(snapshot: Snapshot<unknown>): unknown {
  const phase = 'phase' in snapshot && { phase: redact(snapshot.phase) };
  if (!('children' in snapshot)) return { ...phase };
  const { children } = snapshot;
  const count = children instanceof Map ? children.size : [...childActors(snapshot)].length;
  return { ...phase, children: count };
}

/** What a frame tells of an event: its name, and fields that say why or when it came. */
export function showEvent(event: AnyEventObject): AnyEventObject {
  const { type } = event;
  const shown = { type, ...pick(event, shownEventFields) };
  const output = type.startsWith('xstate.done.') && pick(event['output'], shownOutputFields);
  return output ? { ...shown, output } : shown;
}

/**
 * What frames show of each machine's context. They may leave for a page of somebody else
 * (docs/inspect.md), so this lists what is shown, and not what is hidden: what is new is not. The
 * quotas of a registry are left out, which are kept by credential.
 */
export const shownFields: Readonly<Record<string, readonly string[]>> = {
  certificate: fields<typeof certificateMachine>([
    ...(['source', 'pollMs', 'certificate', 'failures', 'trouble'] as const),
  ]),
  leadership: fields<typeof leadershipMachine>([
    ...(['elect', 'holder', 'renewedAtMs', 'renewDeadlineMs', 'retryInMs', 'trouble'] as const),
  ]),
  lease: fields<typeof leaseMachine>(['renewedAtMs', 'renewDeadlineMs', 'retryInMs', 'lost']),
  'mirror-set': fields<typeof mirrorSetMachine>(['resource']),
  'mirror-target': fields<typeof mirrorTargetMachine>([
    ...(['target', 'failures', 'trouble', 'retryAtMs'] as const),
  ]),
  'mirrored-image': fields<typeof mirroredImageMachine>([
    ...(['target', 'image', 'isUnused', 'failures', 'retryAtMs', 'before'] as const),
  ]),
  reconcile: fields<typeof reconcileMachine>(['failures', 'earliestMs', 'dueMs', 'trouble']),
  registry: fields<typeof registryMachine>([
    ...(['host', 'slotMs', 'failures', 'trouble', 'lastMs', 'heldUntilMs', 'guesses'] as const),
  ]),
  'tracked-image': fields<typeof trackedImageMachine>(['tracked']),
};

/** Names of fields that events may show; the rest of what they carry is for those they are sent to. */
const shownEventFields = [
  ...['key', 'kind', 'status', 'message', 'reason', 'original', 'isWanted'],
  ...['atMs', 'sinceMs', 'untilMs', 'retryAtMs', 'actorId'],
];
/** What an effect came to, in a word. */
const shownOutputFields = ['kind', 'status', 'reason'];

function fields<TMachine extends AnyStateMachine>(
  names: readonly (keyof ContextFrom<TMachine> & string)[],
): readonly string[] {
  return names;
}

function pick(value: unknown, names: readonly string[]): Record<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const held = value as Readonly<Record<string, unknown>>;
  const picked = names.filter((name) => name in held).map((name) => [name, held[name]]);
  return redact(Object.fromEntries(picked)) as Record<string, unknown>;
}
