import { once } from 'node:events';
import { createWebSocketReceiver, type StatelyInspectionEvent } from '@statelyai/inspect';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { adminKubeconfig } from '#test/support/api-server/plane.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { type RoutedStage, startRoutedStage } from '#test/support/operator/routed-stage.ts';
import { registryPassword } from '#test/support/registries/registry-request.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** What somebody sees who watches the actors of a running operator. */
let operator: OperatorProcess;
let stage: RoutedStage;
let isStopped = false;

beforeAll(async () => {
  operator = await startOperator({ adminKubeconfig: adminKubeconfig() });
  stage = await startRoutedStage(operator);
});

afterAll(async () => {
  await stage?.close();
  if (!isStopped) await operator?.stop();
});

/** Frames as the client package hands them on. */
function watch(query: string) {
  const frames: StatelyInspectionEvent[] = [];
  const server = `${operator.debugUrl.replace(/^http/, 'ws')}/debug/inspect?${query}`;
  createWebSocketReceiver({ server }).subscribe((frame) => frames.push(frame));
  const actors = () => frames.flatMap((frame) => (frame.type === '@xstate.actor' ? [frame] : []));
  return { frames, actors };
}

test('shows registries as Pods are routed, and of them nothing secret', async () => {
  const { frames, actors } = watch('type=registry');
  await stage.routed();
  await stage.createPod();
  const { open, guarded } = stage.hosts;
  await eventually('both registries are shown', () => {
    const names = actors().map(({ name }) => name);
    return [open, guarded].every((host) => names.includes(`registry:${host}`));
  });
  const shown = actors().find(({ name }) => name === `registry:${guarded}`);
  expect(shown?.snapshot).toMatchObject({
    ...{ status: 'active', context: { host: guarded } },
    value: { reachability: 'Closed', quota: 'Free' },
  });
  expect(actors().filter(({ definition }) => definition !== undefined)).toHaveLength(1);
  const text = JSON.stringify(frames);
  for (const secret of [registryPassword, 'PRIVATE KEY', 'Bearer ']) {
    expect(text).not.toContain(secret);
  }
});

test('shows one actor with what it started, live', async () => {
  const { frames, actors } = watch('actor=leadership');
  await eventually('the election is shown', () => actors().length > 1);
  expect(actors()[0]).toMatchObject({ name: 'leadership', snapshot: { value: 'Leading' } });
  expect(actors()[1]).toMatchObject({ parentId: actors()[0]?.sessionId });
  // The Lease is renewed every two seconds.
  await eventually('the Lease is renewed', () =>
    frames.some((frame) => frame.type === '@xstate.event' && frame.event.type === 'lease.renewed'),
  );
});

test('does not keep the operator from stopping, and is told', async () => {
  const url = `${operator.debugUrl.replace(/^http/, 'ws')}/debug/inspect?actor=leadership`;
  const socket = new WebSocket(url);
  await once(socket, 'open');
  const closed = once(socket, 'close');
  isStopped = true;
  await operator.stop();
  const [code, reason] = await closed;
  expect([code, String(reason)]).toEqual([1001, 'the operator stops']);
});
