import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { addCertificate, type CertificateOptions } from '#actors/certificate/certificate.ts';
import { certificateDirectory } from '#actors/certificate/certificate-directory.ts';
import {
  CertificateSecret,
  certificateSecretName,
} from '#actors/certificate/certificate-secret.ts';
import { defaultLifetimes } from '#actors/certificate/own-certificate.ts';
import { webhookNames } from '#actors/certificate/webhook-configuration.ts';
import { checkCrds } from '#actors/check-crds.ts';
import { addConditions } from '#actors/conditions/conditions.ts';
import { addImageCounts } from '#actors/conditions/image-counts.ts';
import { EventRecorder } from '#actors/event-recorder.ts';
import { Insight } from '#actors/insight/insight.ts';
import { Recorder } from '#actors/insight/recorder.ts';
import { keepRoutingTable, type RoutingTableKeeper } from '#actors/keep-routing-table.ts';
import { addLeadership, type ElectionOptions, leaseName } from '#actors/leader/leadership.ts';
import { leaseCalls } from '#actors/leader/lease-calls.ts';
import { addLostCopies } from '#actors/lost-copies/lost-copies.ts';
import { addMirroring } from '#actors/mirroring/mirroring.ts';
import { addReleasedSets } from '#actors/mirroring/release-sets.ts';
import { SourceQuotas } from '#actors/mirroring/source-quotas.ts';
import { lookUpNamespaces } from '#actors/namespaces.ts';
import { addRegistries } from '#actors/registries/registries.ts';
import { availabilityStore } from '#actors/reporting/availability-store.ts';
import { addReporting } from '#actors/reporting/reporting.ts';
import { addRouting } from '#actors/routing/routing.ts';
import { addSecrets } from '#actors/secrets/secrets.ts';
import { KuikSystem } from '#actors/system.ts';
import { TimerHeap } from '#actors/timer-heap.ts';
import { addTracking } from '#actors/tracking/tracking.ts';
import { addWatchedResources, type WatchedResources } from '#actors/watch-resources.ts';
import { imagePatterns } from '#core/filter/image-patterns.ts';
import { byRegistryHost } from '#core/image/registry-host.ts';
import { namedRegistries } from '#core/routing/named-registries.ts';
import { version } from '#core/version.ts';
import { createKubeClient, type KubeClient } from '#kube/client.ts';
import { type KubeAccess, loadKubeConfig } from '#kube/kube-config.ts';
import { reviewAccess } from '#kube/review-access.ts';
import { createOciClient } from '#oci/client.ts';
import { createLog, type Log } from '#telemetry/log.ts';
import { createMetrics, type Metrics } from '#telemetry/metrics.ts';
import { quotaMetrics } from '#telemetry/quota-metrics.ts';
import { rewrittenPodsMetric } from '#telemetry/rewritten-pods.ts';
import type { OperatorFlags } from './command/flags.ts';
import type { OperatorInput } from './command/operator.ts';
import { Servers } from './servers.ts';
import { collectStartGarbage, startGarbageDelayMs } from './start-garbage.ts';

/** Exit codes of the process (behaviour §8); wrong use is `main.ts`'s to say. */
export const exitCode = { stopped: 0, failed: 1 } as const;

/** The Service that the certificate names. */
const serviceName = 'kuik';
/** What the API server waits for us; the review's own deadline is shorter. */
const webhookTimeoutSeconds = 5;

/** The one place where features are added to the system, started, and stopped in order; resolves to the exit code. */
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
  const operator = build(input, log, access.value);
  return await runUntilStopped(operator, log);
}

/** How one registry is treated, as configured. */
type Treatment = OperatorInput['configuration']['registries'][string];

/** All that runs, so that it can be started and stopped. */
type Operator = ReturnType<typeof build>;

/** Nothing runs yet; what is added later may use what was added before, never the other way round. */
function build(input: OperatorInput, log: Log, access: KubeAccess) {
  const { flags, configuration } = input;
  const { clock, metrics, recorder, system, client, oci, quotas } = createMeans(input, log, access);
  const { timeoutMs, resolveDigest, staleMirrorCleanup } = configuration.routing.activeCheck;
  const { paceOf, treatmentOf } = byHost(configuration);
  const isNodeOnly = imagePatterns(configuration.monitoring.nodeOnly);
  const namespace = flags.namespace ?? access.namespace;

  const resources = addWatchedResources(system, client, configuration.mirroring);
  const { pods, kuik } = resources;
  const table = keepRoutingTable(kuik, resources);
  table.subscribe((now) => metrics.keepRegistries(namedRegistries(now)));
  const events = new EventRecorder(system.runtime, { client, instance: hostname() });
  addReleasedSets(system, { client, stores: kuik });
  const conditions = addConditions(system, { client, stores: kuik, table, events });
  const counted = { resources, table, policy: configuration, isNodeOnly };
  conditions.contribute(addImageCounts(system, counted));
  const registries = addRegistries(system, {
    ...{ client: oci, paceOf, treatmentOf, pingTimeoutMs: timeoutMs },
  });
  const secrets = addSecrets(system, { client, table, resources });
  conditions.contribute(secrets.sources);
  const lostCopies = addLostCopies(system, { client, namespace, ...staleMirrorCleanup });
  const { router, rehearsal } = addRouting(system, {
    ...{ table: table.current, policy: { ...configuration, ...configuration.routing } },
    ...{ client, registries, secrets, events, pods, timeoutMs, resolveDigest, isNodeOnly },
    ...{ lostCopies, copier: oci.copier, platforms: configuration.mirroring.platforms },
    record: recorder.review,
  });
  showRewrittenPods(system, resources, table);
  const store = availabilityStore(system.runtime, { client, namespace });
  const tracking = addTracking(system, {
    ...{ resources, table, registries, secrets: secrets.reader, configuration },
    ...{ restore: store.restore, checkOptionsOf: paceOf, isNodeOnly },
  });
  const reporting = addReporting(system, {
    ...{ store, tracking, resources, table, events, conditions, paceOf, secrets },
    ageBuckets: configuration.metrics.imageLastMonitorAgeMinutes.legacy,
  });
  const mirroring = addMirroring(system, {
    ...{ client, namespace, resources, table, registries, secrets, configuration, isNodeOnly },
    ...{ copier: oci.copier, lostCopies, tracking, events, conditions, quotas },
    copyPaceOf: (host) => treatmentOf(host).copies,
    deleteWithinMs: flags.leaseDuration - flags.renewDeadline,
  });
  const servers = new Servers({
    ...{ system, flags, configuration, router, rehearsal, reporting },
    insight: new Insight(system, { recorder, registries, resources, reporting, mirroring, router }),
    ...{ replica: hostname(), mirroring: mirroring.reporting, synced: resources.synced },
    ...{ isTableBuilt: table.isBuilt, namespaceExists: lookUpNamespaces(system.runtime, client) },
    access: (question, signal) => reviewAccess(client, question, signal),
  });
  const { serve, trusted } = servers;
  addCertificate(system, { ...certificateOptions(flags, client, namespace), serve, trusted });
  const release = addLeadership(system, electionOptions(flags, client, namespace));
  const drain = async () => {
    await Promise.all([tracking.drain(), mirroring.drain()]);
    await Promise.all([reporting.flush(), mirroring.flush()]);
    await release();
  };
  const close = async () => {
    table.stop();
    for (const one of [events, lostCopies, registries, secrets]) one.close();
    await oci.close();
    system.stop();
    await client.close();
    clock.close();
  };
  return { system, client, servers, drain, close };
}

/** How each registry is checked and treated, under whichever of its names. */
function byHost({ monitoring, registries }: OperatorInput['configuration']) {
  const { items, default: usual } = monitoring.registries;
  return {
    paceOf: byRegistryHost(items, usual),
    treatmentOf: byRegistryHost<Partial<Treatment>>(registries, {}),
  };
}

/** What all features run on. */
function createMeans(input: OperatorInput, log: Log, access: KubeAccess) {
  const { environment, configuration } = input;
  const metrics = createMetrics({ build: { version }, processMetrics: true });
  const clock = new TimerHeap();
  const { registries, mirroring } = configuration;
  const quotas = new SourceQuotas({ now: Date.now }, mirroring.quotaReserve);
  quotaMetrics(metrics.registry, { quotas: quotas.scarcest, isKept: metrics.isKept });
  const { proxies } = environment;
  return {
    ...{
      clock,
      metrics,
      quotas,
      recorder: new Recorder({ now: Date.now, isKept: metrics.isKept }),
    },
    system: new KuikSystem({ clock, log, metrics, now: Date.now, random: Math.random }),
    client: connect(access, { log, metrics }),
    oci: createOciClient({ registries, proxies, onQuota: quotas.state }),
  };
}

function showRewrittenPods(
  { runtime, leads }: KuikSystem,
  { pods }: WatchedResources,
  table: RoutingTableKeeper,
): void {
  rewrittenPodsMetric(runtime.metrics.registry, {
    pods: () => (leads() ? pods.values() : []),
    isDeclared: (by) => table.current().entries.has(by),
  });
}

/** The client of the API server, which says once when that goes and once when it is back. */
function connect(
  access: KubeAccess,
  { log, metrics }: { readonly log: Log; readonly metrics: Metrics },
): KubeClient {
  return createKubeClient({
    ...{ access, onAnswer: metrics.apiRequest },
    onReach: ({ reachable, detail: reason }) => {
      if (reachable) log.info('the API server answers again');
      else
        log.warn({ reason }, 'the API server does not answer; Pods are routed by the last table');
    },
  });
}

/** Replicas tell each other apart, and a process from itself before a restart. */
function identity(): string {
  return `${hostname()}_${randomBytes(4).toString('hex')}`;
}

function electionOptions(
  flags: OperatorFlags,
  client: KubeClient,
  namespace: string,
): ElectionOptions | undefined {
  if (!flags.leaderElect) return undefined;
  const { leaseDuration: durationMs, renewDeadline, retryPeriod } = flags;
  return {
    calls: leaseCalls(client, { namespace, name: leaseName, durationMs }),
    ...{ identity: identity(), durationMs },
    ...{ renewDeadlineMs: renewDeadline, retryPeriodMs: retryPeriod },
  };
}

function certificateOptions(
  flags: OperatorFlags,
  client: KubeClient,
  namespace: string,
): Omit<CertificateOptions, 'serve' | 'trusted'> {
  const { webhookCertDir: directory, webhookUrl: url, webhookConfiguration: name } = flags;
  const webhook = { client, name, url, timeoutSeconds: webhookTimeoutSeconds };
  if (directory !== undefined) {
    return { from: 'directory', source: certificateDirectory(directory, Date.now), webhook };
  }
  const names = webhookNames({ url, service: serviceName, namespace });
  const secret = { client, namespace, secretName: certificateSecretName, names };
  const source = new CertificateSecret({ ...secret, lifetimes: defaultLifetimes, now: Date.now });
  return { from: 'own', source, webhook };
}

/** Runs until a signal, or until a part fails for good; then stops in order. */
async function runUntilStopped(operator: Operator, log: Log): Promise<number> {
  const { system, client, servers } = operator;
  const signalled = nextSignal();
  const life = new AbortController();
  try {
    await servers.listen();
    system.start();
    system.runtime.metrics.setUp(true);
    log.info({ version, server: client.server }, 'kuik is starting');
    void checkCrds(client, log, life.signal);
    system.runtime.clock.after(startGarbageDelayMs, collectStartGarbage);
    const end = await Promise.race([signalled, system.failed, servers.failed]);
    if (end instanceof Error) throw end;
    log.info({ signal: end }, 'stopping');
    return exitCode.stopped;
  } catch (error) {
    // A port that is taken, most often: what listens must be told apart from a bug by its message.
    log.error({ err: error }, 'the operator could not run');
    return exitCode.failed;
  } finally {
    life.abort();
    await stop(operator);
  }
}

/** Not ready first; then what only a leader does and the Lease; then the reviews; then the rest. */
async function stop({ system, servers, drain, close }: Operator): Promise<void> {
  system.runtime.metrics.setUp(false);
  const reviewed = servers.drain();
  await drain();
  await reviewed;
  await close();
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
