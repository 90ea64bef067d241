import { onTestFinished } from 'vitest';
import {
  addRegistries,
  type ProbeReport,
  type RegistriesOptions,
  type RegistryProbe,
} from '#actors/registries/registries.ts';
import type { RegistriesLogic } from '#actors/registries/registry-logic.ts';
import { KuikSystem } from '#actors/system.ts';
import type { Credential } from '#core/credentials.ts';
import type { ProbeOutcome } from '#core/probe.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';

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
  /** Something was answered, but not yet all. */
  readonly heard: () => void;
  readonly answer: (outcome: ProbeOutcome) => Promise<void>;
  readonly crash: (error: Error) => Promise<void>;
}

/** Registries on simulated time whose probes and pings are answered by hand. */
export function startRegistries(
  treatment: { concurrency?: number; trust?: boolean } = {},
  given: Partial<RegistriesOptions> = {},
) {
  const sent: Sent[] = [];
  const pings: Ping[] = [];
  const health = new Map<string, string | undefined>();
  const told: string[] = [];
  const kept = createTestRuntime();
  const registryHealth = (host: string, state?: string) => health.set(host, state);
  const runtime = { ...kept, metrics: { ...kept.metrics, registryHealth } };
  const { clock } = runtime;
  const system = new KuikSystem(runtime);
  const registries = addRegistries(system, {
    pingTimeoutMs: 1_000,
    paceOf: () => ({ intervalMs: 10_000, maxPerInterval: 1 }),
    treatmentOf: () => treatment,
    client: {
      ping: (host) => {
        const { promise, resolve, reject } = Promise.withResolvers<PingAnswer>();
        const ping = byHand(resolve, reject);
        pings.push({ host, crash: ping.crash, answer: (alive) => ping.answer(pingAnswer(alive)) });
        return promise;
      },
      manifest: () => Promise.reject(new Error('The stage answers for the client.')),
    },
    probeImage: (probe, signal, heard) => {
      const { promise, resolve, reject } = Promise.withResolvers<ProbeOutcome>();
      sent.push({ probe, signal, heard, ...byHand(resolve, reject) });
      return promise;
    },
    ...given,
  });
  registries.onAnswer(({ reference }, { outcome }) => {
    told.push(`${reference.path} ${outcome.kind}`);
  });
  system.start();
  const supervisor = system.find<RegistriesLogic>('registries');
  if (supervisor === undefined) throw new Error('Expected the system to run the registries.');
  onTestFinished(() => {
    registries.close();
    system.stop();
  });
  return { clock, runtime, registries, system, supervisor, sent, pings, health, told };
}

/** One background probe, to be answered by the test. */
interface Ping {
  readonly host: string;
  readonly answer: (alive: boolean) => Promise<void>;
  readonly crash: (error: Error) => Promise<void>;
}

type PingAnswer = Awaited<ReturnType<RegistriesOptions['client']['ping']>>;

function pingAnswer(alive: boolean): PingAnswer {
  if (alive) return { ok: true, value: 200 };
  return { ok: false, error: { kind: 'connection', cause: 'refused', message: 'refused' } };
}

function byHand<T>(resolve: (value: T) => void, reject: (error: Error) => void) {
  return {
    answer: async (value: T): Promise<void> => {
      resolve(value);
      await settled();
    },
    crash: async (error: Error): Promise<void> => {
      reject(error);
      await settled();
    },
  };
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
