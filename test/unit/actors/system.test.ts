import { afterEach, describe, expect, test } from 'vitest';
import { fromCallback } from 'xstate';
import { createActorView } from '#actors/actor-view.ts';
import { addLeadership, type ElectionOptions } from '#actors/leader/leadership.ts';
import { type ReportPhase, reflectorLogic, type WatchLoop } from '#actors/reflectors.ts';
import { supervise } from '#actors/supervisor.ts';
import { KuikSystem, type Service } from '#actors/system.ts';
import type { ActorView } from '#core/actor-view.ts';
import { registryMachine } from '#machines/registry.ts';
import { createLeaseTwin } from '#test/support/api-server/lease-twin.ts';

import { createTestRuntime, type TestRuntime } from '#test/support/time/test-runtime.ts';

const never = () => new Promise<never>(() => {});

interface Started {
  readonly system: KuikSystem;
  readonly runtime: TestRuntime;
  /** As a process ends: the Lease is handed over, then all actors stop. */
  readonly stop: () => Promise<void>;
}

const running = new Set<KuikSystem>();
afterEach(() => {
  for (const system of running) system.stop();
  running.clear();
});

function start(
  options: {
    readonly pods?: WatchLoop;
    readonly leaderServices?: readonly Service[];
    readonly election?: ElectionOptions;
  } = {},
): Started {
  const runtime = createTestRuntime();
  const system = new KuikSystem(runtime);
  const { pods: run = never, leaderServices = [], election } = options;
  const log = runtime.log.child({ actor: 'reflector:pods' });
  const logic = reflectorLogic('pods', run, { ...runtime, log });
  system.always({ id: 'reflector:pods', logic });
  const registry = registryMachine.provide({ actors: { line: fromCallback(() => {}) } });
  const registries = { type: 'registry', logic: registry, policy: 'object' } as const;
  system.always({ id: 'registries', logic: supervise(runtime, registries) });
  for (const service of leaderServices) system.whileLeading(service);
  const release = addLeadership(system, election);
  system.start();
  running.add(system);
  const stop = async () => {
    await release();
    system.stop();
  };
  return { system, runtime, stop };
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
const addRegistry = ({ system }: Started, host: string) =>
  system.root
    .getSnapshot()
    .children.get('registries')
    ?.send({
      type: 'child.add',
      key: host,
      input: { host, slotMs: 1_000 },
    });

describe('the root', () => {
  test('starts every service, and says who runs and in which state', async () => {
    const started = start();
    addRegistry(started, 'docker.io');
    expect([...started.system.observer.ids()].sort()).toEqual([
      'kuik',
      'leadership',
      'reflector:pods',
      'registries',
      'registry:docker.io',
    ]);
    expect(await started.runtime.text()).toContain(
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
    const { system, runtime, stop } = start({ leaderServices });
    expect([system.leads(), news]).toEqual([true, ['availability-sets on', 'mirror-sets on']]);
    expect(await runtime.text()).toContain('kube_image_keeper_manager_is_leader 1');
    await stop();
    expect(news.slice(2)).toEqual(['mirror-sets off', 'availability-sets off']);
    expect([system.leads(), [...system.observer.ids()]]).toEqual([false, []]);
    expect(await runtime.text()).toContain('kube_image_keeper_manager_is_leader 0');
  });

  test('hands over its Lease before it stops', async () => {
    const twin = createLeaseTwin();
    const { system, runtime, stop } = start({
      election: {
        calls: twin.callsOf(),
        identity: 'a',
        durationMs: 15_000,
        renewDeadlineMs: 10_000,
        retryPeriodMs: 2_000,
      },
    });
    runtime.clock.advance(0);
    await settle();
    expect(system.leads()).toBe(true);
    expect([twin.record()?.holder, system.leader()]).toEqual(['a', 'a']);
    await stop();
    expect([twin.record()?.holder, system.leads(), runtime.clock.size]).toEqual(['', false, 0]);
  });

  test('fails when a service crashes too often, so that the process can end non-zero', async () => {
    const pods = () => Promise.reject(new Error('a bug in the reflector'));
    const { system, runtime } = start({ pods });
    const error = await system.failed;
    expect(error.message).toMatch(/^reflector:pods crashed/);
    expect((error.cause as Error).message).toBe('a bug in the reflector');
    const crashes = 'kube_image_keeper_actor_crashes_total{type="reflector"} 4';
    expect(await runtime.text()).toContain(crashes);
    expect(runtime.lines().filter(({ msg }) => msg === 'an actor crashed')).toHaveLength(4);
    await settle();
    expect(system.root.getSnapshot().children.size).toBe(0);
  });

  test('says why a watch was interrupted, and goes on', () => {
    let report: ReportPhase = () => {};
    const pods = (reporter: ReportPhase) => {
      report = reporter;
      return never();
    };
    const { system, runtime } = start({ pods });
    const warnings = () => runtime.lines().filter(({ level }) => level === 'warn');
    report('BackingOff', 'the API server answered 403', 403);
    expect(system.observer.get('reflector:pods')?.states).toEqual(['BackingOff']);
    expect(warnings()).toMatchObject([
      { actor: 'reflector:pods', reason: 'the API server answered 403' },
    ]);
    for (const _ of [1, 2, 3]) {
      report('Listing');
      report('BackingOff', 'the API server answered 403', 403);
      // Of a server that is away the client tells, once for all.
      report('BackingOff', 'expected an answer, got ECONNREFUSED');
    }
    expect(warnings()).toHaveLength(1);
    report('Watching');
    report('BackingOff', 'the API server answered 403', 403);
    expect(warnings()).toHaveLength(2);
  });

  test('restarts a reflector that ended by itself, and aborts its loop when it stops', async () => {
    const signals: AbortSignal[] = [];
    const pods = async (report: ReportPhase, signal: AbortSignal) => {
      signals.push(signal);
      report('Watching');
      if (signals.length > 1) await never();
    };
    const { system, runtime, stop } = start({ pods });
    await settle();
    expect(signals).toHaveLength(2);
    expect(await runtime.text()).toContain(
      'kube_image_keeper_reflector_phase{resource="pods",phase="Watching"} 1',
    );
    expect(system.observer.get('reflector:pods')?.states).toEqual(['Watching']);
    await stop();
    expect(signals[1]?.aborted).toBe(true);
  });

  test('what only a leader runs crashes without ending the process, and is started again', async () => {
    let starts = 0;
    const logic = fromCallback(() => {
      starts += 1;
      throw new Error('a bug in what leads');
    });
    const { system, runtime } = start({ leaderServices: [{ id: 'mirror-sets', logic }] });
    for (let crash = 0; crash < 6; crash += 1) runtime.clock.advance(60_000);
    expect(starts).toBeGreaterThanOrEqual(6);
    expect(system.root.getSnapshot().status).toBe('active');
    expect(await runtime.text()).toContain(`actor_crashes_total{type="mirror-sets"} ${starts}`);
  });

  test('a leader whose Lease cannot be kept because of a bug leads no more', async () => {
    const twin = createLeaseTwin();
    let update: () => Promise<never> = never;
    const calls = { ...twin.callsOf(), update: () => update() };
    const times = { durationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };
    const { system, runtime } = start({ election: { calls, identity: 'a', ...times } });
    runtime.clock.advance(0);
    await settle();
    expect(system.leads()).toBe(true);
    update = () => Promise.reject(new Error('a bug in the renewal'));
    runtime.clock.advance(2_500);
    expect(system.term()).toBeDefined();
    await settle();
    expect(system.leads()).toBe(false);
    expect(runtime.lines().filter(({ msg }) => msg === 'an actor crashed')).toMatchObject([
      { actor: 'leadership', err: { message: 'a bug in the renewal' } },
    ]);
  });
});

describe('the view of the actors', () => {
  const view = (started: Started): ActorView => createActorView(started.system);
  const ids = (page: { actors: readonly { id: string }[] }) => page.actors.map(({ id }) => id);

  test('lists them by id, in pages', async () => {
    const started = start();
    for (const host of ['quay.io', 'docker.io', 'ghcr.io']) addRegistry(started, host);
    const actors = view(started);
    const first = await actors.list({ type: 'registry', limit: 2 });
    expect([ids(first), first.next]).toEqual([
      ['registry:docker.io', 'registry:ghcr.io'],
      'registry:ghcr.io',
    ]);
    const second = await actors.list({ type: 'registry', limit: 2, cursor: first.next! });
    expect([ids(second), second.next]).toEqual([['registry:quay.io'], null]);
    expect(first.actors[0]).toEqual({
      id: 'registry:docker.io',
      type: 'registry',
      state: ['reachability.Closed', 'quota.Free', 'pace.Idle'],
      since: '2026-01-01T00:00:00Z',
    });
  });

  test.each(['Closed', 'reachability.Closed', 'Free', 'pace'])(
    'finds those in state %s',
    async (state) => {
      const started = start();
      addRegistry(started, 'docker.io');
      expect(ids(await view(started).list({ state, limit: 10 }))).toEqual(['registry:docker.io']);
    },
  );

  test('finds them by a part of their id, and finds nobody in a state that nobody is in', async () => {
    const started = start();
    addRegistry(started, 'docker.io');
    expect(ids(await view(started).list({ q: 'docker', limit: 10 }))).toEqual([
      'registry:docker.io',
    ]);
    expect(await view(started).list({ state: 'Nowhere', limit: 10 })).toEqual({
      actors: [],
      total: 0,
      next: null,
    });
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
      children: ['reflector:pods', 'registries', 'leadership'],
    });
    expect(actors.get('registry:nowhere')).toBeUndefined();
    expect(JSON.parse(JSON.stringify(actors.get('leadership')))).toMatchObject({
      context: { elect: false },
    });
  });

  test('shows one that crashed as Broken, with the reason', async () => {
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
    expect(ids(await actors.list({ state: 'Broken', limit: 10 }))).toEqual(['registry:docker.io']);
  });
});
