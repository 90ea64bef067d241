import { describe, expect, test } from 'vitest';
import { idleMs, registriesMax } from '#actors/registries/registries.ts';
import {
  available,
  forever,
  kindOf,
  probeOf,
  settled,
  startRegistries,
  timedOut,
} from '#test/support/registries/registries-stage.ts';

describe('a registry that does not answer', () => {
  test('is set aside after one timeout, for every image and credential, until a background probe is answered', async () => {
    const { registries, sent, pings, clock, health } = startRegistries();
    const first = registries.probe(probeOf(), forever);
    await settled();
    await sent[0]?.answer(timedOut);
    expect(kindOf(await first)).toBe('Unreachable');
    expect(await registries.probe(probeOf('other'), forever)).toEqual({
      kind: 'SetAside',
      message: 'timed out',
    });
    await pings[0]?.answer(false);
    expect(health.get('registry.example.com')).toBe('Open');
    clock.advance(1_000);
    await settled();
    expect(registries.reachability('registry.example.com')).toBe('HalfOpen');
    expect(kindOf(await registries.probe(probeOf('other'), forever))).toBe('SetAside');
    expect(sent).toHaveLength(1);
    await pings[1]?.answer(true);
    void registries.probe(probeOf('other'), forever);
    await settled();
    expect(sent).toHaveLength(2);
    expect(health.get('registry.example.com')).toBe('Closed');
  });

  test('is asked all the same by who insists, and an answer to that closes it', async () => {
    const { registries, sent, pings } = startRegistries();
    void registries.probe(probeOf(), forever);
    await settled();
    await sent[0]?.answer(timedOut);
    await pings[0]?.answer(false);
    const insisted = registries.probe(probeOf('other'), forever, { insist: true });
    await settled();
    await sent[1]?.answer(available);
    expect(kindOf(await insisted)).toBe('Available');
    expect(registries.reachability('registry.example.com')).toBe('Closed');
  });

  test('is suspected when a probe that has all the time has no answer of any kind for 10 s', async () => {
    const { registries, sent, clock } = startRegistries();
    void registries.probe(probeOf('frozen', { timeoutMs: 0 }), forever, { isCheck: true });
    void registries.probe(probeOf('slow', { timeoutMs: 0 }), forever, { isCheck: true });
    await settled();
    sent[1]?.heard();
    clock.advance(9_999);
    expect(registries.reachability('registry.example.com')).toBe('Closed');
    clock.advance(1);
    expect(registries.reachability('registry.example.com')).toBe('Suspect');
    await sent[1]?.answer(available);
    expect(registries.reachability('registry.example.com')).toBe('Closed');
    clock.advance(60_000);
    expect(registries.reachability('registry.example.com')).toBe('Closed');
  });

  test('is no suspect when it answered anything before the time was over', async () => {
    const { registries, sent } = startRegistries();
    void registries.probe(probeOf(), forever);
    await settled();
    await sent[0]?.answer({
      kind: 'Unreachable',
      cause: 'timeout',
      message: 'late',
      answered: true,
    });
    expect(registries.reachability('registry.example.com')).toBe('Closed');
  });

  test('answers checks by its circuit while that is open: those in flight at once, others unasked', async () => {
    const { registries, sent, pings, clock } = startRegistries();
    const check = (image: string) =>
      registries.probe(probeOf(image, { timeoutMs: 0 }), forever, { isCheck: true });
    const first = check('first');
    void registries.probe(probeOf(), forever);
    await settled();
    await sent[1]?.answer(timedOut);
    const second = check('second');
    await settled();
    expect(sent).toHaveLength(3);
    await pings[0]?.answer(false);
    const opened = { kind: 'SetAside', message: 'refused' };
    expect([await first, await second, await check('third')]).toEqual([opened, opened, opened]);
    expect([sent[0]?.signal.aborted, sent[2]?.signal.aborted, sent.length]).toEqual([
      true,
      true,
      3,
    ]);
    clock.advance(1_000);
    expect(registries.reachability('registry.example.com')).toBe('HalfOpen');
    expect(await check('fourth')).toEqual(opened);
    await pings[1]?.answer(true);
    void check('fifth');
    await settled();
    expect(sent).toHaveLength(4);
  });

  test('a background probe that hangs fails after its time', async () => {
    const { registries, sent, pings, clock } = startRegistries();
    void registries.probe(probeOf(), forever);
    await settled();
    await sent[0]?.answer(timedOut);
    clock.advance(999);
    expect(registries.reachability('registry.example.com')).toBe('Suspect');
    clock.advance(1);
    // The client answers an abort with a timeout, as the real one does.
    await pings[0]?.answer(false);
    expect(registries.reachability('registry.example.com')).toBe('Open');
  });

  test.each([
    ['a refused connection', 'Suspect', 'refused'],
    ['a certificate of the wrong kind', 'Suspect', 'tls'],
    ['a name that does not resolve', 'Suspect', 'dns'],
    ['an answer of a useless status', 'Closed', 'answer'],
    ['an address that our own rules refuse', 'Closed', 'forbidden'],
  ] as const)('after %s it is %s', async (_, reachability, cause) => {
    const { registries, sent } = startRegistries();
    void registries.probe(probeOf(), forever);
    await settled();
    await sent[0]?.answer({ kind: 'Unreachable', cause, message: 'no' });
    expect(registries.reachability('registry.example.com')).toBe(reachability);
  });

  test('leaves other registries alone', async () => {
    const { registries, sent } = startRegistries();
    void registries.probe(probeOf(), forever);
    await settled();
    await sent[0]?.answer(timedOut);
    const other = { registry: 'other.example.com', path: 'app', tag: '1' };
    void registries.probe(probeOf('app', { reference: other }), forever);
    await settled();
    expect(sent).toHaveLength(2);
  });
});

describe('the actors of the registries', () => {
  test('a trusted registry says so', () => {
    expect(startRegistries({ trust: true }).registries.isTrusted('registry.example.com')).toBe(
      true,
    );
    expect(startRegistries().registries.isTrusted('registry.example.com')).toBe(false);
  });

  test('one that nobody asked for ten minutes goes, with its timers', async () => {
    const { registries, sent, pings, clock, supervisor, health } = startRegistries();
    void registries.probe(probeOf(), forever);
    await settled();
    await sent[0]?.answer(timedOut);
    await pings[0]?.answer(false);
    expect(supervisor.getSnapshot().children.size).toBe(1);
    clock.advance(idleMs);
    expect(registries.hosts()).toEqual([]);
    expect(supervisor.getSnapshot().children.size).toBe(0);
    expect(health.get('registry.example.com')).toBeUndefined();
    await settled();
    expect(clock.size).toBe(0);
  });

  test('one that is in use stays', async () => {
    const { registries, sent, clock } = startRegistries();
    void registries.probe(probeOf(), forever);
    await settled();
    await sent[0]?.answer(available);
    clock.advance(idleMs - 1);
    void registries.probe(probeOf(), forever);
    await settled();
    await sent[1]?.answer(available);
    clock.advance(idleMs - 1);
    expect(registries.hosts()).toEqual(['registry.example.com']);
    clock.advance(2);
    expect(registries.hosts()).toEqual([]);
  });

  test('there are at most a thousand: the one not used for longest makes room', async () => {
    const { registries, sent, supervisor } = startRegistries();
    for (let index = 0; index <= registriesMax; index++) {
      const reference = { registry: `r${index}.example.com`, path: 'app', tag: '1' };
      void registries.probe(probeOf('app', { reference }), forever);
      await settled();
      await sent[index]?.answer(available);
    }
    expect(supervisor.getSnapshot().children.size).toBe(registriesMax);
    expect(registries.hosts()).not.toContain('r0.example.com');
    expect(registries.hosts()).toContain(`r${registriesMax}.example.com`);
  });

  test('one that was lost with its supervisor is there again at the next use', async () => {
    const { registries, sent, supervisor } = startRegistries();
    void registries.probe(probeOf(), forever);
    await settled();
    await sent[0]?.answer(available);
    supervisor.send({ type: 'child.remove', key: 'registry.example.com' });
    void registries.probe(probeOf('other'), forever);
    await settled();
    await sent[1]?.answer(timedOut);
    expect(registries.reachability('registry.example.com')).toBe('Suspect');
  });

  test('closing them aborts what is in flight and leaves no actor and no timer', async () => {
    const { registries, sent, clock, supervisor } = startRegistries({ concurrency: 1 });
    const first = registries.probe(probeOf('first'), forever);
    await settled();
    const second = registries.probe(probeOf('second'), forever);
    await settled();
    registries.close();
    expect(sent[0]?.signal.aborted).toBe(true);
    await sent[0]?.answer(timedOut);
    expect((await Promise.all([first, second])).map(kindOf)).not.toContain('Available');
    expect([supervisor.getSnapshot().children.size, clock.size]).toEqual([0, 0]);
  });
});

test('names that are one host are one registry, with one circuit, one health and one actor', async () => {
  const { registries, sent, health } = startRegistries();
  const at = (registry: string) =>
    registries.probe(probeOf('app', { reference: { registry, path: 'app', tag: '1' } }), forever);
  void at('Registry.Example.com:443');
  await settled();
  expect(sent[0]?.probe.reference.registry).toBe('Registry.Example.com:443');
  await sent[0]?.answer(timedOut);
  expect(kindOf(await at('registry.example.com'))).toBe('SetAside');
  expect(kindOf(await at('registry.example.com.'))).toBe('SetAside');
  expect(registries.reachability('REGISTRY.example.com')).toBe('Suspect');
  expect(registries.hosts()).toEqual(['registry.example.com']);
  expect([...health]).toEqual([['registry.example.com', 'Suspect']]);
  void at('registry.example.com:5000');
  await settled();
  expect(sent).toHaveLength(2);
});
