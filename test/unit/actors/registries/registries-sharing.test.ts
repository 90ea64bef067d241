import { describe, expect, test } from 'vitest';
import { idleMs } from '#actors/registries/registries.ts';
import {
  available,
  credential,
  forever,
  kindOf,
  probeOf,
  settled,
  startRegistries,
  timedOut,
} from '#test/support/registries/registries-stage.ts';

describe('identical probes', () => {
  test('are joined in flight, remembered for one second, and sent anew after that', async () => {
    const { registries, sent, clock } = startRegistries();
    const both = [registries.probe(probeOf(), forever), registries.probe(probeOf(), forever)];
    await settled();
    expect(sent).toHaveLength(1);
    await sent[0]?.answer(available);
    expect((await Promise.all(both)).map(kindOf)).toEqual(['Available', 'Available']);
    clock.advance(999);
    expect(await registries.probe(probeOf(), forever)).toEqual({
      kind: 'Answered',
      outcome: available,
      ms: 0,
      remembered: true,
    });
    clock.advance(1);
    void registries.probe(probeOf(), forever);
    await settled();
    expect(sent).toHaveLength(2);
  });

  test('are recalled at once for that second, and only by one who asks the same', async () => {
    const { registries, sent, clock } = startRegistries();
    const [anna, bert] = [credential('anna'), credential('bert')];
    const asAnna = probeOf('app', { credentials: [anna] });
    expect(registries.recall(asAnna)).toBeUndefined();
    const answer = registries.probe(asAnna, forever);
    await settled();
    expect(registries.recall(asAnna)).toBeUndefined();
    await sent[0]?.answer({ kind: 'Available', credential: anna.source });
    expect(registries.recall(asAnna)).toEqual({ ...(await answer), ms: 0, remembered: true });
    const others = [probeOf('app', { credentials: [bert] }), probeOf(), probeOf('other')];
    expect(others.map(registries.recall)).toEqual([undefined, undefined, undefined]);
    clock.advance(1_000);
    expect(registries.recall(asAnna)).toBeUndefined();
  });

  test('are not recalled while their registry is set aside', async () => {
    const { registries, sent } = startRegistries();
    void registries.probe(probeOf(), forever);
    await settled();
    await sent[0]?.answer(available);
    expect(registries.recall(probeOf())).toBeDefined();
    void registries.probe(probeOf('other'), forever);
    await settled();
    await sent[1]?.answer(timedOut);
    expect(registries.reachability('registry.example.com')).not.toBe('Closed');
    expect(registries.recall(probeOf())).toBeUndefined();
  });

  test('keep their registry from being let go when they are recalled', async () => {
    const { registries, sent, clock } = startRegistries();
    void registries.probe(probeOf(), forever);
    await settled();
    await sent[0]?.answer(available);
    clock.advance(900);
    expect(registries.recall(probeOf())).toBeDefined();
    clock.advance(idleMs - 1);
    expect(registries.hosts()).toEqual(['registry.example.com']);
    clock.advance(1);
    expect(registries.hosts()).toEqual([]);
  });

  test('are those of one image, method, digest rule and list of credentials', async () => {
    const { registries, sent } = startRegistries({ concurrency: 100 });
    const [anna, bert] = [credential('anna'), credential('bert')];
    const variants = [
      probeOf(),
      probeOf('other'),
      probeOf('app', { method: 'GET' }),
      probeOf('app', { resolveDigest: true }),
      probeOf('app', { credentials: [anna] }),
      probeOf('app', { credentials: [bert] }),
      probeOf('app', { credentials: [{ ...anna, password: 'rotated' }] }),
      probeOf('app', { credentials: [anna, bert] }),
      probeOf('app', { credentials: [{ ...anna, registryToken: 't' }] }),
    ];
    for (const probe of variants) void registries.probe(probe, forever);
    await settled();
    expect(sent).toHaveLength(variants.length);
  });

  test('a refusal or a 404 for one credential is not shared with another', async () => {
    const { registries, sent } = startRegistries();
    const first = registries.probe(probeOf('app', { credentials: [credential('anna')] }), forever);
    await settled();
    await sent[0]?.answer({ kind: 'NotFound', message: '404' });
    expect(kindOf(await first)).toBe('NotFound');
    const second = registries.probe(probeOf('app', { credentials: [credential('bert')] }), forever);
    await settled();
    await sent[1]?.answer(available);
    expect(kindOf(await second)).toBe('Available');
  });

  test('the same credential from two namespaces is one, and each sees its own position', async () => {
    const { registries, sent } = startRegistries();
    const ask = (source: string) =>
      registries.probe(
        probeOf('app', { credentials: [credential('zoe'), credential('anna', source)] }),
        forever,
      );
    const both = [ask('apps/pull'), ask('web/pull')];
    await settled();
    expect(sent).toHaveLength(1);
    await sent[0]?.answer({ kind: 'Available', credentialIndex: 1 });
    for (const report of await Promise.all(both)) {
      expect(report).toMatchObject({ credentialIndex: 1 });
    }
  });

  test('one caller that gives up leaves the probe to the others', async () => {
    const { registries, sent } = startRegistries();
    const impatient = new AbortController();
    const given = registries.probe(probeOf(), impatient.signal);
    await settled();
    const patient = registries.probe(probeOf(), forever);
    await settled();
    impatient.abort();
    expect(await given).toEqual({ kind: 'Abandoned' });
    expect(sent[0]?.signal.aborted).toBe(false);
    await sent[0]?.answer(available);
    expect(kindOf(await patient)).toBe('Available');
  });

  test('one without a time limit is called off when nobody waits, and not joined after that', async () => {
    const { registries, sent } = startRegistries();
    const caller = new AbortController();
    const given = registries.probe(probeOf('app', { timeoutMs: 0 }), caller.signal);
    await settled();
    caller.abort();
    await given;
    await settled();
    expect(sent[0]?.signal.aborted).toBe(true);
    void registries.probe(probeOf('app', { timeoutMs: 0 }), forever);
    await settled();
    await sent[0]?.answer(timedOut);
    expect(sent).toHaveLength(2);
    expect(registries.reachability('registry.example.com')).toBe('Closed');
  });

  test('one that nobody waits for still finds out that its registry is dead', async () => {
    const { registries, sent } = startRegistries();
    const caller = new AbortController();
    const given = registries.probe(probeOf(), caller.signal);
    await settled();
    caller.abort();
    await given;
    await sent[0]?.answer(timedOut);
    expect(registries.reachability('registry.example.com')).toBe('Suspect');
  });

  test('a probe that throws is a bug: those who wait get it, else it is reported', async () => {
    const { registries, sent, runtime } = startRegistries();
    const bugs = () => runtime.lines().filter(({ msg }) => msg === 'an actor crashed');
    const waited = registries.probe(probeOf(), forever);
    const thrown = expect(waited).rejects.toThrow('a bug');
    await settled();
    await sent[0]?.crash(new Error('a bug'));
    await thrown;
    expect(bugs()).toEqual([]);
    const caller = new AbortController();
    const given = registries.probe(probeOf(), caller.signal);
    await settled();
    caller.abort();
    await given;
    await sent[1]?.crash(new Error('a bug'));
    expect(bugs()).toMatchObject([{ actor: 'probe:registry.example.com' }]);
  });
});
