import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { protocolVersion } from '#actors/inspection/frames.ts';
import { showContext, showEvent, shownFields } from '#actors/inspection/shown-context.ts';
import { allMachines } from '#machines/all-machines.ts';

test('every machine has a list of what frames show of its context', () => {
  expect(Object.keys(shownFields).sort()).toEqual(allMachines.map(({ id }) => id).sort());
});

test('a context shows what is listed, redacted, and nothing else', () => {
  const context = {
    ...{ host: 'docker.io', slotMs: 1_000, failures: 1, password: 'hunter2' },
    trouble: 'https://alice:hunter2@docker.io/v2/ answered 500',
    quotas: { 'alice hunter2': { untilMs: 1, retryAtMs: 2, message: 'used up' } },
  };
  expect(showContext('registry', context)).toEqual({
    ...{ host: 'docker.io', slotMs: 1_000, failures: 1 },
    trouble: 'https://[redacted]@docker.io/v2/ answered 500',
  });
  expect(showContext('some-new-machine', context)).toEqual({});
});

test('an event shows its name and why it came; of what it carries, and of an effect, only a word', () => {
  expect(
    showEvent({
      type: 'quota.exceeded',
      credential: 'alice',
      untilMs: 5,
      message: 'Bearer abcdefghij',
    }),
  ).toEqual({ type: 'quota.exceeded', untilMs: 5, message: 'Bearer [redacted]' });
  expect(showEvent({ type: 'xstate.init', input: { password: 'hunter2' } })).toEqual({
    type: 'xstate.init',
  });
  const output = { kind: 'loaded', privateKey: 'PEM' };
  expect(showEvent({ type: 'xstate.done.actor.0.x', output, actorId: '0.x' })).toEqual({
    ...{ type: 'xstate.done.actor.0.x', actorId: '0.x', output: { kind: 'loaded' } },
  });
});

test('frames are of the version of the protocol that the client package speaks', () => {
  const url = new URL('../../../node_modules/@statelyai/inspect/package.json', import.meta.url);
  expect(JSON.parse(readFileSync(url, 'utf8')).version).toBe(protocolVersion);
});
