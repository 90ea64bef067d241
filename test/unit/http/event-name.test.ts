import { expect, test } from 'vitest';
import { eventName } from '#http/event-name.ts';

test.each([
  ['probe.failed', 'probe failed'],
  ['xstate.init', 'started'],
  ['xstate.stop', 'stopped'],
  ['xstate.done.actor.0.registry.reachability.Suspect', 'done in Suspect'],
  ['xstate.done.actor.suspectPing', 'suspect ping done'],
  ['xstate.done.actor.registry:quay.io', 'registry:quay.io done'],
  ['xstate.error.actor.1.certificate.Serving', 'crashed in Serving'],
  ['xstate.error.actor.suspectPing', 'suspect ping crashed'],
  ['xstate.done.state.mirror-set.Working', 'all of Working done'],
  ['xstate.after.1000.registry.quota.Throttled', '1000 ms over in Throttled'],
  ['xstate.after.retryDelay.leadership.Following', 'retry delay over in Following'],
])('%s is %j to a person', (type, name) => {
  expect(eventName(type)).toBe(name);
});
