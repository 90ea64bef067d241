import { afterEach, describe, expect, test } from 'vitest';
import { fromCallback } from 'xstate';
import { createActorView } from '#actors/actor-view.ts';
import type { CertificateSource } from '#actors/certificate/certificate-source.ts';
import type { ReflectorSource, ReportPhase } from '#actors/reflectors.ts';
import { supervise } from '#actors/supervisor.ts';
import { createSystem, type KuikSystem, type SystemOptions } from '#actors/system.ts';
import type { ActorView } from '#core/actor-view.ts';
import type { KubeClient } from '#kube/client.ts';
import { registryMachine } from '#machines/registry.ts';
import { createLog } from '#telemetry/log.ts';
import { createMetrics } from '#telemetry/metrics.ts';
import { createLeaseTwin } from '#test/support/api-server/lease-twin.ts';
import { createSimulatedTimerHeap } from '#test/support/time/simulated-timer-heap.ts';

const never = () => new Promise<never>(() => {});
/** Nothing is loaded here: the certificate's own tests do that. */
const noCertificate: CertificateSource = {
  load: never,
  issue: never,
  renew: never,
  findChange: never,
  readBundle: never,
};
const noClient: KubeClient = {
  call: never,
  stream: never,
  server: 'https://127.0.0.1:1',
  close: async () => {},
};

interface Started {
  readonly system: KuikSystem;
  readonly clock: ReturnType<typeof createSimulatedTimerHeap>;
  readonly lines: string[];
  readonly text: () => Promise<string>;
}

const running = new Set<KuikSystem>();
afterEach(() => {
  for (const system of running) system.root.stop();
  running.clear();
});

function start(options: Partial<SystemOptions> = {}): Started {
  const clock = createSimulatedTimerHeap();
  const metrics = createMetrics({ build: { version: '1' } });
  const lines: string[] = [];
  const destination = { write: (line: string) => lines.push(line) };
  const registries = supervise({
    type: 'registry',
    logic: registryMachine,
    policy: 'object',
    clock,
  });
  const system = createSystem({
    clock,
    metrics,
    log: createLog({ level: 'debug', format: 'json', destination }),
    now: () => Date.parse('2026-01-01T00:00:00.500Z') + clock.now(),
    election: undefined,
    certificate: {
      from: 'own',
      source: noCertificate,
      webhook: { client: noClient, name: 'kuik', url: undefined, timeoutSeconds: 5 },
      onCertificate: () => {},
    },
    reflectors: [{ resource: 'pods', run: never }],
    services: [{ id: 'registries', logic: registries }],
    ...options,
  });
  system.start();
  running.add(system);
  return { system, clock, lines, text: async () => (await metrics.text()).body };
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
const addRegistry = ({ system }: Started, host: string) =>
  system.root.getSnapshot().children.get('registries')?.send({
    type: 'child.add',
    key: host,
    input: { host },
  });

describe('the root', () => {
  test('starts every service, and says who runs and in which state', async () => {
    const started = start();
    addRegistry(started, 'docker.io');
    expect([...started.system.observer.ids()].sort()).toEqual([
      'certificate',
      'kuik',
      'leadership',
      'reflector:pods',
      'registries',
      'registry:docker.io',
    ]);
    expect(await started.text()).toContain(
      'kube_image_keeper_actors{type="registry",state="reachability.Closed"} 1',
    );
  });

  test('without an election leads at once, builds what only a leader does, and tears it down', async () => {
    const news: string[] = [];
    const service = (id: string) => ({
      id,
      logic: fromCallback(() => {
        news.push(`${id} on`);
        return () => news.push(`${id} off`);
      }),
    });
    const leaderServices = [service('availability-sets'), service('mirror-sets')];
    const { system, text } = start({ leaderServices });
    expect([system.leads(), news]).toEqual([true, ['availability-sets on', 'mirror-sets on']]);
    expect(await text()).toContain('kube_image_keeper_manager_is_leader 1');
    await system.stop();
    expect(news.slice(2)).toEqual(['mirror-sets off', 'availability-sets off']);
    expect([system.leads(), [...system.observer.ids()]]).toEqual([false, []]);
    expect(await text()).toContain('kube_image_keeper_manager_is_leader 0');
  });

  test('hands over its Lease before it stops', async () => {
    const twin = createLeaseTwin();
    const { system, clock } = start({
      election: {
        calls: twin.callsOf(),
        identity: 'a',
        durationMs: 15_000,
        renewDeadlineMs: 10_000,
        retryPeriodMs: 2_000,
        random: () => 0,
      },
    });
    while (!system.leads()) await new Promise((resolve) => setTimeout(resolve, 1));
    expect([twin.record()?.holder, system.leader()]).toEqual(['a', 'a']);
    await system.stop();
    expect([twin.record()?.holder, system.leads(), clock.size]).toEqual(['', false, 0]);
  });

  test('fails when a service crashes too often, so that the process can end non-zero', async () => {
    const pods: ReflectorSource = {
      resource: 'pods',
      run: () => Promise.reject(new Error('a bug in the reflector')),
    };
    const { system, text, lines } = start({ reflectors: [pods] });
    const error = await system.failed;
    expect(error.message).toMatch(/^reflector:pods crashed/);
    expect((error.cause as Error).message).toBe('a bug in the reflector');
    expect(await text()).toContain('kube_image_keeper_actor_crashes_total{type="reflector"} 4');
    expect(lines.filter((line) => line.includes('an actor crashed'))).toHaveLength(4);
    await settle();
    expect(system.root.getSnapshot().children.size).toBe(0);
  });

  test('says why a watch was interrupted, and goes on', () => {
    let report: ReportPhase = () => {};
    const pods: ReflectorSource = {
      resource: 'pods',
      run: (reporter) => {
        report = reporter;
        return never();
      },
    };
    const { system, lines } = start({ reflectors: [pods] });
    report('BackingOff', 'the API server answered 503');
    expect(system.observer.get('reflector:pods')?.states).toEqual(['BackingOff']);
    const [warning] = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 'warn');
    expect(warning).toMatchObject({
      actor: 'reflector:pods',
      reason: 'the API server answered 503',
    });
  });

  test('restarts a reflector that ended by itself, and aborts its loop when it stops', async () => {
    const signals: AbortSignal[] = [];
    const pods: ReflectorSource = {
      resource: 'pods',
      run: async (report, signal) => {
        signals.push(signal);
        report('Watching');
        if (signals.length > 1) await never();
      },
    };
    const { system, text } = start({ reflectors: [pods] });
    await settle();
    expect(signals).toHaveLength(2);
    expect(await text()).toContain(
      'kube_image_keeper_reflector_phase{resource="pods",phase="Watching"} 1',
    );
    expect(system.observer.get('reflector:pods')?.states).toEqual(['Watching']);
    await system.stop();
    expect(signals[1]?.aborted).toBe(true);
  });
});

describe('the view of the actors', () => {
  const view = (started: Started): ActorView => createActorView(started.system);
  const ids = (page: { actors: readonly { id: string }[] }) => page.actors.map(({ id }) => id);

  test('lists them by id, in pages', () => {
    const started = start();
    for (const host of ['quay.io', 'docker.io', 'ghcr.io']) addRegistry(started, host);
    const actors = view(started);
    const first = actors.list({ type: 'registry', limit: 2 });
    expect([ids(first), first.next]).toEqual([
      ['registry:docker.io', 'registry:ghcr.io'],
      'registry:ghcr.io',
    ]);
    const second = actors.list({ type: 'registry', limit: 2, cursor: first.next! });
    expect([ids(second), second.next]).toEqual([['registry:quay.io'], null]);
    expect(first.actors[0]).toEqual({
      id: 'registry:docker.io',
      type: 'registry',
      state: ['reachability.Closed', 'quota.Free'],
      since: '2026-01-01T00:00:00Z',
    });
  });

  test.each(['Closed', 'reachability.Closed', 'Free', 'Known'])(
    'finds those in state %s',
    (state) => {
      const started = start();
      addRegistry(started, 'docker.io');
      expect(ids(view(started).list({ state, limit: 10 }))).toEqual(['registry:docker.io']);
    },
  );

  test('finds them by a part of their id, and finds nobody in a state that nobody is in', () => {
    const started = start();
    addRegistry(started, 'docker.io');
    expect(ids(view(started).list({ q: 'docker', limit: 10 }))).toEqual(['registry:docker.io']);
    expect(view(started).list({ state: 'Nowhere', limit: 10 })).toEqual({ actors: [], next: null });
  });

  test('shows one in full: context, transitions, children', () => {
    const started = start();
    addRegistry(started, 'docker.io');
    const actors = view(started);
    expect(actors.get('registry:docker.io')).toMatchObject({
      context: { host: 'docker.io', failures: 0 },
      transitions: [{ at: '2026-01-01T00:00:00Z', event: 'xstate.init', from: [] }],
      children: [],
    });
    expect(actors.get('registries')?.children).toEqual(['registry:docker.io']);
    expect(actors.get('kuik')).toMatchObject({
      state: ['Running'],
      children: ['reflector:pods', 'registries', 'certificate', 'leadership'],
    });
    expect(actors.get('registry:nowhere')).toBeUndefined();
    expect(JSON.parse(JSON.stringify(actors.get('leadership')))).toMatchObject({
      context: { elect: false },
    });
  });

  test('shows one that crashed as Broken, with the reason', () => {
    const started = start();
    addRegistry(started, 'docker.io');
    const ref = started.system.root.system.get('registry:docker.io');
    // Reading the message throws inside the machine, as a bug there would.
    ref.send({
      type: 'connection.failed',
      get message() {
        throw new Error('a bug');
      },
    });
    const actors = view(started);
    expect(actors.get('registry:docker.io')).toMatchObject({
      state: ['Broken'],
      context: { error: 'a bug', crashes: 1 },
    });
    expect(ids(actors.list({ state: 'Broken', limit: 10 }))).toEqual(['registry:docker.io']);
  });
});
