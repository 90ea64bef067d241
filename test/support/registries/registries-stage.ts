import { onTestFinished } from 'vitest';
import { createActor } from 'xstate';
import {
  createRegistries,
  type ProbeReport,
  type RegistryProbe,
} from '#actors/registries/registries.ts';
import { registriesLogic } from '#actors/registries/registries-logic.ts';
import type { Credential } from '#core/credentials.ts';
import type { ProbeOutcome } from '#core/probe.ts';
import { createSimulatedTimerHeap } from '#test/support/time/simulated-timer-heap.ts';

/** The image is there. */
export const available: ProbeOutcome = { kind: 'Available' };
/** Nothing came in time. */
export const timedOut: ProbeOutcome = {
  kind: 'Unreachable',
  cause: 'timeout',
  message: 'timed out',
};
/** A caller that never gives up. */
export const forever = new AbortController().signal;

/** One probe that was sent, to be answered by the test. */
export interface Sent {
  readonly probe: RegistryProbe;
  readonly signal: AbortSignal;
  readonly answer: (outcome: ProbeOutcome) => Promise<void>;
}

/** Registries on simulated time whose probes and pings are answered by hand. */
export function startRegistries(treatment: { concurrency?: number; trust?: boolean } = {}) {
  const clock = createSimulatedTimerHeap();
  const sent: Sent[] = [];
  const pings: { host: string; answer: (alive: boolean) => Promise<void> }[] = [];
  const health = new Map<string, string | undefined>();
  const bugs: unknown[] = [];
  const told: string[] = [];
  const supervisor = createActor(
    registriesLogic({
      clock,
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
    supervisor: () => supervisor,
    clock,
    now: () => 1_700_000_000_000 + clock.now(),
    treatmentOf: () => treatment,
    metrics: { registryHealth: (host, state) => health.set(host, state) },
    onBug: (error) => bugs.push(error),
    onAnswer: ({ reference }, { outcome }) => told.push(`${reference.path} ${outcome.kind}`),
    probeImage: (probe, signal) =>
      new Promise((resolve) => {
        const answer = async (outcome: ProbeOutcome): Promise<void> => {
          resolve(outcome);
          await settled();
        };
        sent.push({ probe, signal, answer });
      }),
  });
  onTestFinished(() => {
    registries.close();
    supervisor.stop();
  });
  return { clock, registries, supervisor, sent, pings, health, bugs, told };
}

/** Until all that was promised so far has come. */
export async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** Tells users apart by name. */
export function credential(username: string, source = `apps/${username}`): Credential {
  return { source, username, password: 'secret' };
}

/** A probe of one image on `registry.example.com`. */
export function probeOf(image = 'app', over: Partial<RegistryProbe> = {}): RegistryProbe {
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
export function kindOf(report: ProbeReport): string {
  return report.kind === 'Answered' ? report.outcome.kind : report.kind;
}
