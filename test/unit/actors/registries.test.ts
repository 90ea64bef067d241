import { afterEach, describe, expect, test } from 'vitest';
import { createActor } from 'xstate';
import {
  createRegistries,
  idleMs,
  type ProbeReport,
  type RegistryProbe,
  registriesMax,
} from '#actors/registries.ts';
import { registriesLogic } from '#actors/registries-logic.ts';
import { quotaMemoryMsMax } from '#actors/registry-quotas.ts';
import type { Credential } from '#core/credentials.ts';
import type { ProbeOutcome } from '#core/probe.ts';
import { createSimulatedWakeHeap } from '#test/support/simulated-wake.ts';

const available: ProbeOutcome = { kind: 'Available' };
const timedOut: ProbeOutcome = { kind: 'Unreachable', cause: 'timeout', message: 'timed out' };
const refused: ProbeOutcome = { kind: 'InvalidAuth', message: '401' };
const forever = new AbortController().signal;

/** One probe that was sent, to be answered by the test. */
interface Sent {
  readonly probe: RegistryProbe;
  readonly signal: AbortSignal;
  readonly answer: (outcome: ProbeOutcome) => Promise<void>;
}

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** Registries on simulated time whose probes and pings are answered by hand. */
function start(treatment: { concurrency?: number; trust?: boolean } = {}) {
  const wake = createSimulatedWakeHeap();
  const sent: Sent[] = [];
  const pings: { host: string; answer: (alive: boolean) => Promise<void> }[] = [];
  const health = new Map<string, string | undefined>();
  const bugs: unknown[] = [];
  const supervisor = createActor(
    registriesLogic({
      wake,
      pingTimeoutMs: 1_000,
      client: {
        ping: (host) =>
          new Promise((resolve) => {
            const answer = async (alive: boolean): Promise<void> => {
              if (alive) resolve({ ok: true, value: 200 });
              else {
                const error = { kind: 'connection', cause: 'refused', message: 'refused' } as const;
                resolve({ ok: false, error });
              }
              await settled();
            };
            pings.push({ host, answer });
          }),
      },
    }),
  );
  supervisor.start();
  const registries = createRegistries({
    supervisor,
    wake,
    now: () => 1_700_000_000_000 + wake.now(),
    treatmentOf: () => treatment,
    metrics: { registryHealth: (host, state) => health.set(host, state) },
    onBug: (error) => bugs.push(error),
    probeImage: (probe, signal) =>
      new Promise((resolve) => {
        const answer = async (outcome: ProbeOutcome): Promise<void> => {
          resolve(outcome);
          await settled();
        };
        sent.push({ probe, signal, answer });
      }),
  });
  cleanups.push(() => {
    registries.close();
    supervisor.stop();
  });
  return { wake, registries, supervisor, sent, pings, health, bugs };
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

function credential(username: string, source = `apps/${username}`): Credential {
  return { source, username, password: 'secret' };
}

function probeOf(image = 'app', over: Partial<RegistryProbe> = {}): RegistryProbe {
  return {
    reference: { registry: 'registry.example.com', path: image, tag: '1' },
    method: 'HEAD',
    credentials: [],
    resolveDigest: false,
    timeoutMs: 1_000,
    ...over,
  };
}

/** What a report says, whatever the time it took. */
function kindOf(report: ProbeReport): string {
  return report.kind === 'Answered' ? report.outcome.kind : report.kind;
}

describe('identical probes', () => {
  test('are joined in flight, remembered for one second, and sent anew after that', async () => {
    const { registries, sent, wake } = start();
    const both = [registries.probe(probeOf(), forever), registries.probe(probeOf(), forever)];
    await settled();
    expect(sent).toHaveLength(1);
    await sent[0]?.answer(available);
    expect((await Promise.all(both)).map(kindOf)).toEqual(['Available', 'Available']);
    wake.advance(999);
    expect(await registries.probe(probeOf(), forever)).toEqual({
      kind: 'Answered',
      outcome: available,
      ms: 0,
      remembered: true,
    });
    wake.advance(1);
    void registries.probe(probeOf(), forever);
    await settled();
    expect(sent).toHaveLength(2);
  });

  test('are those of one image, method, digest rule and list of credentials', async () => {
    const { registries, sent } = start({ concurrency: 100 });
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
    const { registries, sent } = start();
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
    const { registries, sent } = start();
    const ask = (source: string) =>
      registries.probe(
        probeOf('app', { credentials: [credential('zoe'), credential('anna', source)] }),
        forever,
      );
    const both = [ask('apps/pull'), ask('web/pull')];
    await settled();
    expect(sent).toHaveLength(1);
    await sent[0]?.answer({ kind: 'Available', credential: 'apps/pull' });
    for (const report of await Promise.all(both)) {
      expect(report).toMatchObject({ credentialIndex: 1 });
    }
  });

  test('one caller that gives up leaves the probe to the others', async () => {
    const { registries, sent } = start();
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
    const { registries, sent } = start();
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
    const { registries, sent } = start();
    const caller = new AbortController();
    const given = registries.probe(probeOf(), caller.signal);
    await settled();
    caller.abort();
    await given;
    await sent[0]?.answer(timedOut);
    expect(registries.reachability('registry.example.com')).toBe('Suspect');
  });

  test('a probe that throws is a bug: those who wait get it, else it is reported', async () => {
    const { registries, bugs, supervisor, wake } = start();
    registries.close();
    const broken = createRegistries({
      supervisor,
      wake,
      now: wake.now,
      treatmentOf: () => ({}),
      metrics: { registryHealth: () => {} },
      onBug: (error) => bugs.push(error),
      probeImage: async () => {
        await settled();
        throw new Error('a bug');
      },
    });
    cleanups.unshift(() => broken.close());
    await expect(broken.probe(probeOf(), forever)).rejects.toThrow('a bug');
    expect(bugs).toEqual([]);
    const caller = new AbortController();
    const given = broken.probe(probeOf(), caller.signal);
    caller.abort();
    await given;
    await settled();
    await settled();
    expect(bugs).toHaveLength(1);
  });
});

describe('a registry that does not answer', () => {
  test('is set aside after one timeout, for every image and credential, until a background probe is answered', async () => {
    const { registries, sent, pings, wake, health } = start();
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
    wake.advance(1_000);
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

  test('is asked all the same by who insists, and an answer to that does not close it', async () => {
    const { registries, sent, pings } = start();
    void registries.probe(probeOf(), forever);
    await settled();
    await sent[0]?.answer(timedOut);
    await pings[0]?.answer(false);
    const insisted = registries.probe(probeOf('other'), forever, { insist: true });
    await settled();
    await sent[1]?.answer(available);
    expect(kindOf(await insisted)).toBe('Available');
    expect(registries.reachability('registry.example.com')).toBe('Open');
  });

  test('a background probe that hangs fails after its time', async () => {
    const { registries, sent, pings, wake } = start();
    void registries.probe(probeOf(), forever);
    await settled();
    await sent[0]?.answer(timedOut);
    wake.advance(999);
    expect(registries.reachability('registry.example.com')).toBe('Suspect');
    wake.advance(1);
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
    const { registries, sent } = start();
    void registries.probe(probeOf(), forever);
    await settled();
    await sent[0]?.answer({ kind: 'Unreachable', cause, message: 'no' });
    expect(registries.reachability('registry.example.com')).toBe(reachability);
  });

  test('leaves other registries alone', async () => {
    const { registries, sent } = start();
    void registries.probe(probeOf(), forever);
    await settled();
    await sent[0]?.answer(timedOut);
    const other = { registry: 'other.example.com', path: 'app', tag: '1' };
    void registries.probe(probeOf('app', { reference: other }), forever);
    await settled();
    expect(sent).toHaveLength(2);
  });
});

describe('the places of a registry', () => {
  test('are four, and who waits gets in as one leaves', async () => {
    const { registries, sent } = start();
    const all = Array.from({ length: 6 }, (_, index) =>
      registries.probe(probeOf(`app-${index}`), forever),
    );
    await settled();
    expect(sent).toHaveLength(4);
    for (let index = 0; index < 6; index++) await sent[index]?.answer(available);
    expect((await Promise.all(all)).map(kindOf)).toEqual(Array(6).fill('Available'));
  });

  test('who waits for one is set aside as soon as the registry is suspected', async () => {
    const { registries, sent } = start({ concurrency: 1 });
    void registries.probe(probeOf('slow'), forever);
    await settled();
    const waiting = registries.probe(probeOf('next'), forever);
    await settled();
    await sent[0]?.answer(timedOut);
    expect(kindOf(await waiting)).toBe('SetAside');
    expect(sent).toHaveLength(1);
  });

  test('waiting counts: what is left of the timeout goes to the request, and none is sent too late', async () => {
    const { registries, sent, wake } = start({ concurrency: 1 });
    void registries.probe(probeOf('first', { timeoutMs: 10_000 }), forever);
    await settled();
    const second = registries.probe(probeOf('second'), forever);
    await settled();
    const third = registries.probe(probeOf('third', { timeoutMs: 2_000 }), forever);
    await settled();
    wake.advance(1_000);
    expect(await second).toMatchObject({ outcome: { kind: 'Unreachable', cause: 'timeout' } });
    wake.advance(500);
    await sent[0]?.answer(available);
    expect(sent[1]?.probe).toMatchObject({ reference: { path: 'third' }, timeoutMs: 500 });
    // A quarter of its time is too little to call a registry dead.
    await sent[1]?.answer(timedOut);
    expect(kindOf(await third)).toBe('Unreachable');
    expect(registries.reachability('registry.example.com')).toBe('Closed');
  });

  test('what nobody waits for any more is not sent at all', async () => {
    const { registries, sent } = start({ concurrency: 1 });
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
    const { registries, sent, wake } = start();
    const credentials = [anna, bert, carl];
    void registries.probe(probeOf('app', { credentials }), forever);
    await settled();
    await sent[0]?.answer({ kind: 'Available', credential: 'apps/bert' });
    wake.advance(1_000);
    const again = registries.probe(probeOf('app', { credentials }), forever);
    await settled();
    void registries.probe(probeOf('other', { credentials }), forever);
    await settled();
    expect(sent.map(usernames)).toEqual([
      ['anna', 'bert', 'carl'],
      ['bert', 'anna', 'carl'],
      ['anna', 'bert', 'carl'],
    ]);
    await sent[1]?.answer({ kind: 'Available', credential: 'apps/bert' });
    expect(await again).toMatchObject({ credentialIndex: 1 });
  });

  test('a 429 that says until when sets that credential aside, unasked, and no other', async () => {
    const { registries, sent, wake, supervisor } = start();
    const ask = (by: Credential, image = 'app') =>
      registries.probe(probeOf(image, { credentials: [by] }), forever);
    const retryAtMs = 1_700_000_000_000 + 20_000;
    void ask(anna);
    await settled();
    await sent[0]?.answer({ kind: 'QuotaExceeded', message: '429', retryAtMs, credential: 'x' });
    const states = () =>
      supervisor.getSnapshot().children.get('registry.example.com')?.getSnapshot().value;
    expect(states()).toEqual({ Known: { reachability: 'Closed', quota: 'Throttled' } });
    wake.advance(10_000);
    expect(await ask(anna, 'other')).toMatchObject({
      outcome: { kind: 'QuotaExceeded', retryAtMs },
    });
    expect(sent).toHaveLength(1);
    void ask(bert, 'other');
    await settled();
    expect(sent).toHaveLength(2);
    wake.advance(10_000);
    expect(states()).toEqual({ Known: { reachability: 'Closed', quota: 'Free' } });
    void ask(anna, 'other');
    await settled();
    expect(sent).toHaveLength(3);
  });

  test('no credential at all is one, too', async () => {
    const { registries, sent } = start();
    void registries.probe(probeOf(), forever);
    await settled();
    const retryAtMs = 1_700_000_000_000 + 20_000;
    await sent[0]?.answer({ kind: 'QuotaExceeded', message: '429', retryAtMs });
    expect(kindOf(await registries.probe(probeOf('other'), forever))).toBe('QuotaExceeded');
    void registries.probe(probeOf('other', { credentials: [anna] }), forever);
    await settled();
    expect(sent).toHaveLength(2);
  });

  test('is set aside for a minute at most, and not at all when the 429 states no time', async () => {
    const { registries, sent, wake } = start();
    void registries.probe(probeOf(), forever);
    await settled();
    await sent[0]?.answer({ kind: 'QuotaExceeded', message: '429' });
    void registries.probe(probeOf('other'), forever);
    await settled();
    await sent[1]?.answer({
      kind: 'QuotaExceeded',
      message: '429',
      retryAtMs: 1_700_000_000_000 + 86_400_000,
    });
    wake.advance(quotaMemoryMsMax - 1);
    expect(kindOf(await registries.probe(probeOf('third'), forever))).toBe('QuotaExceeded');
    wake.advance(1);
    void registries.probe(probeOf('fourth'), forever);
    await settled();
    expect(sent).toHaveLength(3);
  });

  test('those before one that has to wait are still tried; its turn is answered without asking', async () => {
    const { registries, sent } = start();
    const retryAtMs = 1_700_000_000_000 + 20_000;
    void registries.probe(probeOf('app', { credentials: [bert] }), forever);
    await settled();
    await sent[0]?.answer({ kind: 'QuotaExceeded', message: '429', retryAtMs });
    const both = registries.probe(probeOf('app', { credentials: [anna, bert] }), forever);
    await settled();
    expect(usernames(sent[1])).toEqual(['anna']);
    await sent[1]?.answer(refused);
    expect(kindOf(await both)).toBe('QuotaExceeded');
  });
});

describe('the actors of the registries', () => {
  test('a trusted registry says so', () => {
    expect(start({ trust: true }).registries.isTrusted('registry.example.com')).toBe(true);
    expect(start().registries.isTrusted('registry.example.com')).toBe(false);
  });

  test('one that nobody asked for ten minutes goes, with its timers', async () => {
    const { registries, sent, pings, wake, supervisor, health } = start();
    void registries.probe(probeOf(), forever);
    await settled();
    await sent[0]?.answer(timedOut);
    await pings[0]?.answer(false);
    expect(supervisor.getSnapshot().children.size).toBe(1);
    wake.advance(idleMs);
    expect(registries.hosts()).toEqual([]);
    expect(supervisor.getSnapshot().children.size).toBe(0);
    expect(health.get('registry.example.com')).toBeUndefined();
    await settled();
    expect(wake.size).toBe(0);
  });

  test('one that is in use stays', async () => {
    const { registries, sent, wake } = start();
    void registries.probe(probeOf(), forever);
    await settled();
    await sent[0]?.answer(available);
    wake.advance(idleMs - 1);
    void registries.probe(probeOf(), forever);
    await settled();
    await sent[1]?.answer(available);
    wake.advance(idleMs - 1);
    expect(registries.hosts()).toEqual(['registry.example.com']);
    wake.advance(2);
    expect(registries.hosts()).toEqual([]);
  });

  test('there are at most a thousand: the one not used for longest makes room', async () => {
    const { registries, sent, supervisor } = start();
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

  test('closing them aborts what is in flight and leaves no actor and no timer', async () => {
    const { registries, sent, wake, supervisor } = start({ concurrency: 1 });
    const first = registries.probe(probeOf('first'), forever);
    await settled();
    const second = registries.probe(probeOf('second'), forever);
    await settled();
    registries.close();
    expect(sent[0]?.signal.aborted).toBe(true);
    await sent[0]?.answer(timedOut);
    expect((await Promise.all([first, second])).map(kindOf)).not.toContain('Available');
    expect([supervisor.getSnapshot().children.size, wake.size]).toEqual([0, 0]);
  });
});
