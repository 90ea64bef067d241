import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { createActorView } from '#actors/actor-view.ts';
import { certificateDirectory } from '#actors/certificate/certificate-directory.ts';
import { certificateSecret } from '#actors/certificate/certificate-secret.ts';
import type { ServingCertificate } from '#actors/certificate/keep-certificate.ts';
import { defaultLifetimes } from '#actors/certificate/own-certificate.ts';
import { webhookNames } from '#actors/certificate/webhook-configuration.ts';
import { checkCrds } from '#actors/check-crds.ts';
import { keepRoutingTable, type RoutingTableKeeper } from '#actors/keep-routing-table.ts';
import { leaseCalls } from '#actors/leader/lease-calls.ts';
import { recordEvents } from '#actors/leader/record-events.ts';
import { nothingAvailableEvents } from '#actors/routing/nothing-available.ts';
import { createSystem, type KuikSystem, type SystemOptions } from '#actors/system.ts';
import { watchResources } from '#actors/watch-resources.ts';
import type { OperatorEnvironment } from '#config/environment.ts';
import type { OperatorConfiguration } from '#config/operator-configuration.ts';
import { createKubeClient, type KubeClient } from '#kube/client.ts';
import { type KubeAccess, loadKubeConfig } from '#kube/kube-config.ts';
import { reviewAccess } from '#kube/review-access.ts';
import { createLog, type Log } from '#telemetry/log.ts';
import { createMetrics, type Metrics } from '#telemetry/metrics.ts';
import { createTimerHeap, type TimerHeap } from './actors/timer-heap.ts';
import type { OperatorFlags } from './command/flags.ts';
import { version } from './core/version.ts';
import { type AvailabilityRooms, joinAvailability } from './join-availability.ts';
import { joinLeading } from './join-leading.ts';
import { joinRouting, type RoutingRooms } from './join-routing.ts';
import { createServers, type Servers } from './servers.ts';

/** Exit codes of the process (behaviour §8); wrong use is `main.ts`'s to say. */
export const exitCode = { stopped: 0, failed: 1 } as const;

/** What the command line and the surroundings say. */
export interface OperatorInput {
  readonly flags: OperatorFlags;
  readonly configuration: OperatorConfiguration;
  readonly environment: OperatorEnvironment;
}

/** kuik v2's Lease: both never lead at once. */
const leaseName = 'e69ca865.enix.io';
/** Where the certificate is kept, and the Service that it names. */
const certificateSecretName = 'kuik-webhook';
const serviceName = 'kuik';
/** What the API server waits for us; the review's own deadline is shorter. */
const webhookTimeoutSeconds = 5;

/** The one place where the rooms are joined, started, and stopped in order; resolves to the exit code. */
export async function runOperator(input: OperatorInput): Promise<number> {
  const { flags, environment } = input;
  const log = createLog({ level: flags.logLevel, format: flags.logFormat });
  const access = await loadKubeConfig({
    ...(flags.kubeconfig !== undefined && { kubeconfig: flags.kubeconfig }),
    environment: environment.kubernetes,
  });
  if (!access.ok) {
    log.error(access.error.message);
    return exitCode.failed;
  }
  return await runUntilStopped(build(input, log, access.value));
}

/** All that runs, so that it can be started and stopped. */
interface Parts {
  readonly input: OperatorInput;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: TimerHeap;
  readonly client: KubeClient;
  readonly table: RoutingTableKeeper;
  readonly routing: RoutingRooms;
  readonly availability: AvailabilityRooms;
  readonly system: KuikSystem;
  readonly servers: Servers;
}

function build(input: OperatorInput, log: Log, access: KubeAccess): Parts {
  const { flags, environment, configuration } = input;
  const metrics = createMetrics({ build: { version }, processMetrics: true });
  const clock = createTimerHeap();
  const client = createKubeClient({ access, onAnswer: metrics.apiRequest });
  const resources = watchResources({ client, log, random: Math.random });
  const table = keepRoutingTable(resources.kuik);
  const events = recordEvents({
    ...{ client, clock, log },
    ...{ now: Date.now, random: Math.random, instance: hostname() },
  });
  const namespace = flags.namespace ?? access.namespace;
  const proxies = environment.proxies;
  const routing: RoutingRooms = joinRouting({
    ...{ configuration, proxies, log, metrics, clock, client },
    table: table.current,
    system: () => system,
    nothingAvailable: nothingAvailableEvents(events),
    onAnswer: (probe, answer) => availability.onAnswer(probe, answer),
  });
  const availability: AvailabilityRooms = joinAvailability({
    ...{ configuration, client, namespace, log, metrics, clock, events, resources, table, routing },
    system: () => system,
  });
  const servers: Servers = createServers({
    ...{ flags, configuration, log, metrics, routing, status: availability.status },
    synced: resources.synced,
    actors: () => createActorView(system),
    access: (question, signal) => reviewAccess(client, question, signal),
  });
  const system: KuikSystem = createSystem({
    ...{ clock, log, metrics },
    now: Date.now,
    election: joinElection(flags, client, namespace),
    certificate: joinCertificate(flags, { client, namespace, take: servers.takeCertificate }),
    reflectors: resources.sources,
    services: [routing.service],
    leaderServices: [
      ...joinLeading({
        ...{ client, clock, log, events, table, resources, routing },
        ...{ more: [availability.conditions], system: () => system },
      }),
      ...availability.leaderServices,
    ],
  });
  return { input, log, metrics, clock, client, table, routing, availability, system, servers };
}

/** Replicas tell each other apart, and a process from itself before a restart. */
function identity(): string {
  return `${hostname()}_${randomBytes(4).toString('hex')}`;
}

function joinElection(
  flags: OperatorFlags,
  client: KubeClient,
  namespace: string,
): SystemOptions['election'] {
  if (!flags.leaderElect) return undefined;
  return {
    calls: leaseCalls(client, { namespace, name: leaseName, durationMs: flags.leaseDuration }),
    identity: identity(),
    durationMs: flags.leaseDuration,
    renewDeadlineMs: flags.renewDeadline,
    retryPeriodMs: flags.retryPeriod,
    random: Math.random,
  };
}

function joinCertificate(
  flags: OperatorFlags,
  means: {
    readonly client: KubeClient;
    readonly namespace: string;
    readonly take: (certificate: ServingCertificate) => void;
  },
): SystemOptions['certificate'] {
  const { client, namespace, take } = means;
  const { webhookCertDir: directory, webhookUrl: url, webhookConfiguration: name } = flags;
  const names = webhookNames({ url, service: serviceName, namespace });
  const secret = { client, namespace, secretName: certificateSecretName, names };
  return {
    from: directory === undefined ? 'own' : 'directory',
    source:
      directory === undefined
        ? certificateSecret({ ...secret, lifetimes: defaultLifetimes, now: Date.now })
        : certificateDirectory(directory, Date.now),
    webhook: { client, name, url, timeoutSeconds: webhookTimeoutSeconds },
    onCertificate: take,
  };
}

/** Runs until a signal, or until a service keeps crashing; then stops in order. */
async function runUntilStopped(parts: Parts): Promise<number> {
  const { log, metrics, client, system, servers } = parts;
  const signalled = nextSignal();
  const life = new AbortController();
  try {
    await servers.listen();
    system.start();
    metrics.setUp(true);
    log.info({ version, server: client.server }, 'kuik is starting');
    void checkCrds(client, log, life.signal);
    const end = await Promise.race([signalled, system.failed]);
    if (end instanceof Error) {
      log.error({ err: end }, 'a service keeps crashing: the process ends');
      return exitCode.failed;
    }
    log.info({ signal: end }, 'stopping');
    return exitCode.stopped;
  } catch (error) {
    // A port that is taken, most often: what listens must be told apart from a bug by its message.
    log.error({ err: error }, 'the operator could not run');
    return exitCode.failed;
  } finally {
    life.abort();
    await stop(parts);
  }
}

/** Not ready first; then what only a leader does and the Lease; then the reviews; then the rest. */
async function stop(parts: Parts): Promise<void> {
  const { metrics, clock, client, table, routing, availability, system, servers } = parts;
  metrics.setUp(false);
  const drained = servers.drain();
  await availability.drain();
  await system.release();
  await drained;
  table.stop();
  await routing.close();
  await system.stop();
  await client.close();
  clock.close();
  await servers.close();
}

/** SIGTERM from Kubernetes, SIGINT from a terminal; a second one ends the process at once. */
function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let seen = false;
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      process.on(name, () => {
        if (seen) process.exit(exitCode.failed);
        seen = true;
        resolve(name);
      });
    }
  });
}
