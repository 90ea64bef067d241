import { statesOf } from '#telemetry/states.ts';
import { type KuikSystem, rootId, type Service } from './system.ts';

/**
 * Says which parts that the process cannot live without are stuck, each with why; none is what a
 * healthy process says. It is read from the actors' states and from when they last took an event, on
 * the monotonic clock: there is nothing to keep, and a jump of the wall clock makes nobody stuck.
 */
export function findStuck(system: KuikSystem): readonly string[] {
  // Nothing is stuck before it has begun.
  if (system.observer.get(rootId) === undefined) return [];
  const { clock } = system.runtime;
  const { lateMs } = clock;
  const timers = lateMs > timersLateMsMax ? [`timers: late by ${inSeconds(lateMs)} s`] : [];
  return [...timers, ...system.permanent().flatMap((service) => judge(system, service))];
}

/** A turn of the event loop takes milliseconds, and 256 timers fire in one. */
const timersLateMsMax = 30_000;

function judge(system: KuikSystem, { id, quietLimit }: Service): readonly string[] {
  const actor = system.find(id);
  const seen = system.observer.get(id);
  if (actor === undefined || seen === undefined) return [`${id}: not there`];
  if (quietLimit === undefined) return [];
  const states = statesOf(actor.getSnapshot());
  const { quietMsMax, restsIn = [] } = quietLimit;
  if (states.every((state) => restsIn.includes(state))) return [];
  const quietMs = system.runtime.clock.now() - seen.heardMs;
  return quietMs > quietMsMax ? [`${id}: ${states.join(', ')} for ${inSeconds(quietMs)} s`] : [];
}

function inSeconds(ms: number): number {
  return Math.round(ms / 1_000);
}
