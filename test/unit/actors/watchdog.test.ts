import { describe, expect, onTestFinished, test } from 'vitest';
import { fromPromise } from 'xstate';
import { addLeadership, type ElectionOptions } from '#actors/leader/leadership.ts';
import { type ReportPhase, reflectorLogic } from '#actors/reflectors.ts';
import { KuikSystem } from '#actors/system.ts';
import { TimerHeap } from '#actors/timer-heap.ts';
import { findStuck } from '#actors/watchdog.ts';
import { settle } from '#test/support/api-server/election.ts';
import { createLeaseTwin } from '#test/support/api-server/lease-twin.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';

const never = () => new Promise<never>(() => {});
const minuteMs = 60_000;
const times = { durationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };

/** A system with one reflector that says what the test tells it to, and an election. */
function start(calls?: Partial<ElectionOptions['calls']>) {
  const runtime = createTestRuntime();
  let jumpMs = 0;
  const system = new KuikSystem({ ...runtime, now: () => runtime.now() + jumpMs });
  const trouble = { cut: false, hung: false };
  let report: ReportPhase = () => undefined;
  const run = async (told: ReportPhase) => {
    report = told;
    await never();
  };
  const logic = reflectorLogic('pods', run, runtime);
  system.always({ id: 'reflector:pods', logic, quietLimit: { quietMsMax: 5 * minuteMs } });
  const twin = { ...createLeaseTwin().callsOf(trouble), ...calls };
  addLeadership(system, { ...times, calls: twin, identity: 'one' });
  system.start();
  onTestFinished(system.stop);
  const pass = async (durationMs: number) => {
    for (let passedMs = 0; passedMs < durationMs; passedMs += 500) {
      runtime.clock.advance(500);
      await settle();
    }
  };
  return {
    ...{ system, runtime, trouble, pass },
    stuck: () => findStuck(system),
    say: (phase: string) => report(phase),
    jump: (ms: number) => {
      jumpMs += ms;
    },
  };
}

describe('the watchdog', () => {
  test('finds nothing while a watch gets its bookmarks and a Lease is renewed', async () => {
    const { pass, say, stuck } = start();
    for (let minute = 0; minute < 12; minute += 1) {
      say('Watching');
      await pass(minuteMs);
      expect(stuck()).toEqual([]);
    }
  });

  test('finds a reflector that says nothing any more, until it does', async () => {
    const { pass, say, stuck } = start();
    say('Watching');
    await pass(5 * minuteMs);
    expect(stuck()).toEqual([]);
    await pass(minuteMs);
    expect(stuck()).toEqual(['reflector:pods: Watching for 360 s']);
    say('Listing');
    expect(stuck()).toEqual([]);
  });

  test.each(['cut', 'hung'] as const)(
    'finds nothing when the API server is %s for ten minutes: to start anew would mend nothing',
    async (how) => {
      const { pass, say, stuck, trouble, system } = start();
      await pass(1_000);
      expect(system.leads()).toBe(true);
      trouble[how] = true;
      for (let minute = 0; minute < 10; minute += 1) {
        say('BackingOff');
        await pass(minuteMs);
        expect(stuck()).toEqual([]);
        expect(system.leads()).toBe(false);
      }
      trouble[how] = false;
      // What a leader before it did not write down is waited out first.
      await pass(2 * times.durationMs);
      expect(system.leads()).toBe(true);
    },
  );

  test('finds an election whose call never comes back, though it was given up', async () => {
    const { pass, say, stuck } = start({ read: never });
    await pass(minuteMs);
    expect(stuck()).toEqual([]);
    say('Watching');
    await pass(minuteMs);
    expect(stuck()).toEqual(['leadership: Acquiring for 120 s']);
  });

  test('finds nothing in an election that nobody holds', async () => {
    const runtime = createTestRuntime();
    const system = new KuikSystem(runtime);
    addLeadership(system, undefined);
    system.start();
    onTestFinished(system.stop);
    runtime.clock.advance(24 * 60 * minuteMs);
    expect(findStuck(system)).toEqual([]);
  });

  test('finds nothing stuck when the wall clock jumps, whichever way', async () => {
    const { jump, pass, say, stuck } = start();
    for (const ms of [365 * 24 * 60 * minuteMs, -2 * 365 * 24 * 60 * minuteMs]) {
      say('Watching');
      await pass(1_000);
      jump(ms);
      expect(stuck()).toEqual([]);
      await pass(1_000);
      expect(stuck()).toEqual([]);
    }
  });

  test('finds a permanent actor that has ended', async () => {
    const runtime = createTestRuntime();
    const system = new KuikSystem(runtime);
    system.always({ id: 'certificate', logic: fromPromise(async () => undefined) });
    expect(findStuck(system)).toEqual([]);
    system.start();
    onTestFinished(system.stop);
    expect(findStuck(system)).toEqual([]);
    await settle();
    expect(findStuck(system)).toEqual(['certificate: not there']);
  });

  test('finds timers that do not fire', () => {
    let nowMs = 0;
    const clock = new TimerHeap(
      () => nowMs,
      () => () => undefined,
    );
    const system = new KuikSystem({ ...createTestRuntime(), clock });
    system.start();
    onTestFinished(system.stop);
    clock.after(1_000, () => undefined);
    nowMs = 31_000;
    expect(findStuck(system)).toEqual([]);
    nowMs = 60_000;
    expect(findStuck(system)).toEqual(['timers: late by 59 s']);
  });
});
