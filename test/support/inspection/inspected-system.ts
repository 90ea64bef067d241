import type { StatelyInspectionEvent } from '@statelyai/inspect';
import { onTestFinished } from 'vitest';
import { fromPromise } from 'xstate';
import { createInspection } from '#actors/inspection/inspection.ts';
import { supervise } from '#actors/supervisor.ts';
import { KuikSystem } from '#actors/system.ts';
import type { ActorChoice } from '#core/inspection.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import type { CheckOutcome } from '#core/monitoring/verdict.ts';
import { type CheckImageInput, trackedImageMachine } from '#machines/tracked-image.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';

/** A system with tracked images, whose checks end when they are told to. */
export function startInspected(images: readonly string[] = []) {
  const runtime = createTestRuntime();
  const system = new KuikSystem(runtime);
  onTestFinished(() => system.stop());
  const checks: ((outcome: CheckOutcome) => void)[] = [];
  const checkImage = fromPromise<CheckOutcome, CheckImageInput>(
    () => new Promise((resolve) => checks.push(resolve)),
  );
  const logic = supervise(runtime, {
    ...{ type: 'tracked-image', policy: 'object' as const },
    logic: trackedImageMachine.provide({ actors: { checkImage } }),
  });
  system.always({ id: 'tracked-images', logic });
  system.start();
  const add = (image: string) => {
    const tracked: TrackedImage = {
      ...{ resource: 'all', image, registry: 'docker.io', status: 'Scheduled', original: true },
    };
    system.find('tracked-images')?.send({ type: 'child.add', key: image, input: { tracked } });
  };
  for (const image of images) add(image);
  const actor = (image: string) => system.root.system.get(`tracked-image:${image}`);
  const inspection = createInspection(system);
  return { system, runtime, inspection, add, actor, checks };
}

/** A viewer that keeps what it is sent, as parsed. */
export function view({ inspection }: ReturnType<typeof startInspected>, choice: ActorChoice) {
  const frames: Frame[] = [];
  const ends: string[] = [];
  let buffered = 0;
  const leave = inspection.watch(choice, {
    send: (frame) => frames.push(JSON.parse(frame)),
    bufferedBytes: () => buffered,
    end: (reason) => ends.push(reason),
  });
  const block = (bytes: number) => {
    buffered = bytes;
  };
  const named = () => frames.filter(({ type }) => type === '@xstate.actor').map(({ name }) => name);
  const events = () =>
    frames.filter(({ type }) => type === '@xstate.event').map(({ event }) => event);
  return { frames, ends, leave, block, named, events };
}

/** A frame as it is read. */
export type Frame = StatelyInspectionEvent & {
  readonly name?: string;
  readonly machine?: string;
  readonly definition?: string;
  readonly event?: { readonly type: string; readonly [field: string]: unknown };
  readonly snapshot?: {
    readonly status: string;
    readonly value: unknown;
    readonly context: object;
  };
};

/** A choice of actors by id. */
export const ids = (...all: string[]): ActorChoice => ({ kind: 'ids', ids: all });

/** Until what was asked for in turns has come. */
export const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
