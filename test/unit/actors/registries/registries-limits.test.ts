import { describe, expect, test } from 'vitest';
import { quotaMemoryMsMax } from '#actors/registries/credential-order.ts';
import type { Credential } from '#core/credentials.ts';
import {
  available,
  credential,
  forever,
  kindOf,
  probeOf,
  type Sent,
  settled,
  startRegistries,
  timedOut,
} from '#test/support/registries/registries-stage.ts';
import { startOfTime } from '#test/support/time/test-runtime.ts';

describe('the places of a registry', () => {
  test('are as many as configured, and who waits gets in as one leaves', async () => {
    const { registries, sent } = startRegistries({ concurrency: 4 });
    const all = Array.from({ length: 6 }, (_, index) =>
      registries.probe(probeOf(`app-${index}`), forever),
    );
    await settled();
    expect(sent).toHaveLength(4);
    for (let index = 0; index < 6; index++) await sent[index]?.answer(available);
    expect((await Promise.all(all)).map(kindOf)).toEqual(Array(6).fill('Available'));
  });

  test('who waits for one is set aside as soon as the registry is suspected', async () => {
    const { registries, sent } = startRegistries({ concurrency: 1 });
    void registries.probe(probeOf('slow'), forever);
    await settled();
    const waiting = registries.probe(probeOf('next'), forever);
    await settled();
    await sent[0]?.answer(timedOut);
    expect(kindOf(await waiting)).toBe('SetAside');
    expect(sent).toHaveLength(1);
  });

  test('waiting counts: what is left of the timeout goes to the request, and none is sent too late', async () => {
    const { registries, sent, clock } = startRegistries({ concurrency: 1 });
    void registries.probe(probeOf('first', { timeoutMs: 10_000 }), forever);
    await settled();
    const second = registries.probe(probeOf('second'), forever);
    await settled();
    const third = registries.probe(probeOf('third', { timeoutMs: 2_000 }), forever);
    await settled();
    clock.advance(1_000);
    expect(await second).toMatchObject({ outcome: { kind: 'Unreachable', cause: 'timeout' } });
    clock.advance(500);
    await sent[0]?.answer(available);
    expect(sent[1]?.probe).toMatchObject({ reference: { path: 'third' }, timeoutMs: 500 });
    // A quarter of its time is too little to call a registry dead.
    await sent[1]?.answer(timedOut);
    expect(kindOf(await third)).toBe('Unreachable');
    expect(registries.reachability('registry.example.com')).toBe('Closed');
  });

  test('what nobody waits for any more is not sent at all', async () => {
    const { registries, sent } = startRegistries({ concurrency: 1 });
    void registries.probe(probeOf('first'), forever);
    await settled();
    const caller = new AbortController();
    const given = registries.probe(probeOf('second'), caller.signal);
    await settled();
    caller.abort();
    await given;
    await sent[0]?.answer(available);
    void registries.probe(probeOf('third'), forever);
    await settled();
    await settled();
    expect(sent.map(({ probe }) => probe.reference.path)).toEqual(['first', 'third']);
  });
});

describe('the credentials of a registry', () => {
  const [anna, bert, carl] = [credential('anna'), credential('bert'), credential('carl')];
  const usernames = (one: Sent | undefined) => one?.probe.credentials.map((c) => c.username);

  test('the one that was let in last is tried first, for that repository and set', async () => {
    const { registries, sent, clock } = startRegistries();
    const credentials = [anna, bert, carl];
    void registries.probe(probeOf('app', { credentials }), forever);
    await settled();
    await sent[0]?.answer({ kind: 'Available', credentialIndex: 1 });
    clock.advance(1_000);
    const again = registries.probe(probeOf('app', { credentials }), forever);
    await settled();
    void registries.probe(probeOf('other', { credentials }), forever);
    await settled();
    expect(sent.map(usernames)).toEqual([
      ['anna', 'bert', 'carl'],
      ['bert', 'anna', 'carl'],
      ['anna', 'bert', 'carl'],
    ]);
    await sent[1]?.answer({ kind: 'Available', credentialIndex: 0 });
    expect(await again).toMatchObject({ credentialIndex: 1 });
  });

  test('are told apart although one Secret holds them all', async () => {
    const { registries, sent, clock } = startRegistries();
    const credentials = [anna, bert, carl].map((one) => ({ ...one, source: 'apps/pull' }));
    const ask = () => registries.probe(probeOf('app', { credentials }), forever);
    void ask();
    await settled();
    const who = { credential: 'apps/pull', credentialIndex: 1 };
    await sent[0]?.answer({ kind: 'Available', ...who });
    clock.advance(1_000);
    void ask();
    await settled();
    expect(usernames(sent[1])).toEqual(['bert', 'anna', 'carl']);
    const retryAtMs = startOfTime + 60_000;
    await sent[1]?.answer({ kind: 'QuotaExceeded', message: '429', retryAtMs, ...who });
    clock.advance(1_000);
    void ask();
    await settled();
    // Anna has to wait, and Bert, who is tried before her, has not.
    expect(usernames(sent[2])).toEqual(['bert']);
  });

  test('a 429 that says until when sets that credential aside, unasked, and no other', async () => {
    const { registries, sent, clock, supervisor } = startRegistries();
    const ask = (by: Credential, image = 'app') =>
      registries.probe(probeOf(image, { credentials: [by] }), forever);
    const retryAtMs = startOfTime + 20_000;
    void ask(anna);
    await settled();
    await sent[0]?.answer({ kind: 'QuotaExceeded', message: '429', retryAtMs, credentialIndex: 0 });
    const states = () =>
      supervisor.getSnapshot().children.get('registry.example.com')?.getSnapshot().value;
    expect(states()).toEqual({ reachability: 'Closed', quota: 'Throttled', pace: 'Idle' });
    clock.advance(10_000);
    expect(await ask(anna, 'other')).toMatchObject({
      outcome: { kind: 'QuotaExceeded', retryAtMs },
    });
    expect(sent).toHaveLength(1);
    void ask(bert, 'other');
    await settled();
    expect(sent).toHaveLength(2);
    clock.advance(10_000);
    expect(states()).toEqual({ reachability: 'Closed', quota: 'Free', pace: 'Idle' });
    void ask(anna, 'other');
    await settled();
    expect(sent).toHaveLength(3);
  });

  test('no credential at all is one, too', async () => {
    const { registries, sent } = startRegistries();
    void registries.probe(probeOf(), forever);
    await settled();
    const retryAtMs = startOfTime + 20_000;
    await sent[0]?.answer({ kind: 'QuotaExceeded', message: '429', retryAtMs });
    expect(kindOf(await registries.probe(probeOf('other'), forever))).toBe('QuotaExceeded');
    void registries.probe(probeOf('other', { credentials: [anna] }), forever);
    await settled();
    expect(sent).toHaveLength(2);
  });

  test('is set aside for a minute at most, and not at all when the 429 states no time', async () => {
    const { registries, sent, clock } = startRegistries();
    void registries.probe(probeOf(), forever);
    await settled();
    await sent[0]?.answer({ kind: 'QuotaExceeded', message: '429' });
    void registries.probe(probeOf('other'), forever);
    await settled();
    await sent[1]?.answer({
      kind: 'QuotaExceeded',
      message: '429',
      retryAtMs: startOfTime + 86_400_000,
    });
    clock.advance(quotaMemoryMsMax - 1);
    expect(kindOf(await registries.probe(probeOf('third'), forever))).toBe('QuotaExceeded');
    clock.advance(1);
    void registries.probe(probeOf('fourth'), forever);
    await settled();
    expect(sent).toHaveLength(3);
  });

  test('those before one that has to wait are still tried; its turn is answered without asking', async () => {
    const { registries, sent } = startRegistries();
    const retryAtMs = startOfTime + 20_000;
    void registries.probe(probeOf('app', { credentials: [bert] }), forever);
    await settled();
    await sent[0]?.answer({ kind: 'QuotaExceeded', message: '429', retryAtMs });
    const both = registries.probe(probeOf('app', { credentials: [anna, bert] }), forever);
    await settled();
    expect(usernames(sent[1])).toEqual(['anna']);
    await sent[1]?.answer({ kind: 'InvalidAuth', message: '401' });
    expect(kindOf(await both)).toBe('QuotaExceeded');
  });
});
