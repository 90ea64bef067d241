import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What the process makes metrics with. */
export interface MetricsOptions {
  /** What the binary says about itself; `built` as RFC 3339. */
  readonly build: { readonly version: string; readonly revision?: string; readonly built?: string };
  /** Also CPU, memory, event loop and garbage collection of the process, under Prometheus' names. */
  readonly processMetrics?: boolean;
}

/**
 * All metrics of the process. Every label is from a closed set, save hosts and resources, of which
 * only so many are told apart; beyond that they are `other`.
 */
export type Metrics = ReturnType<typeof createMetrics>;

/** Every name, with its labels and what it says: the one table, so that no two pieces make one up. */
export const metricTable = {
  buildInfo: ['kube_image_keeper_manager_build_info', 'Always 1; labels say what runs.'],
  up: ['kube_image_keeper_manager_up', 'Whether this replica is healthy.'],
  isLeader: ['kube_image_keeper_manager_is_leader', 'Whether this replica leads; 0 or 1.'],
  decisions: [
    'kube_image_keeper_routing_decisions_total',
    'Images decided on, by reason and by the resource whose candidate was taken.',
  ],
  rewrittenPods: [
    'kube_image_keeper_routing_rewritten_pods',
    'Pods that have not finished and run a rewritten image; on the leader alone.',
  ],
  admission: ['kube_image_keeper_webhook_admission_duration_seconds', 'Time a review took.'],
  webhookErrors: ['kube_image_keeper_webhook_errors_total', 'Reviews that failed open, by kind.'],
  probes: ['kube_image_keeper_routing_probes_total', 'Candidates asked, by registry and result.'],
  probeDuration: [
    'kube_image_keeper_routing_probe_duration_seconds',
    'Time from the start of the asking to the answer about a candidate.',
  ],
  certificateExpiry: [
    'kube_image_keeper_certificate_expiry_timestamp_seconds',
    'When the certificate that the webhook serves runs out.',
  ],
  registryHealth: [
    'kube_image_keeper_registry_health',
    'State of the connection to a registry: 1 for the present one.',
  ],
  apiRequests: ['kube_image_keeper_api_requests_total', 'Calls to the API server, by outcome.'],
  reflectorPhase: ['kube_image_keeper_reflector_phase', 'Phase of a watch: 1 for the present one.'],
  actors: ['kube_image_keeper_actors', 'Running actors, by type and active state.'],
  actorCrashes: ['kube_image_keeper_actor_crashes_total', 'Actors that crashed, by type.'],
  // Monitoring's, in `monitoring-metrics.ts`.
  images: ['kube_image_keeper_monitoring_images', 'Monitored images; on the leader alone.'],
  imageAge: [
    'kube_image_keeper_monitoring_image_last_monitor_age_minutes',
    'Minutes since each image was last checked; on the leader alone.',
  ],
  checks: ['kube_image_keeper_monitoring_checks_total', 'Checks of images, by result.'],
  checkDuration: [
    'kube_image_keeper_monitoring_check_duration_seconds',
    'Time a check took, from its turn to the answer.',
  ],
  checkQueue: [
    'kube_image_keeper_monitoring_queue_length',
    'Images of a registry that wait for their turn to be checked.',
  ],
  checkLag: [
    'kube_image_keeper_monitoring_lag_seconds',
    'How long the next check of a registry is overdue.',
  ],
  quotaRemaining: [
    'kube_image_keeper_monitoring_quota_remaining',
    'What a registry said is left of its quota, where it says so.',
  ],
  fullRound: [
    'kube_image_keeper_monitoring_full_round_seconds',
    'Time until each image of a resource was checked once, at the configured pace.',
  ],
  workloadsAtRisk: [
    'kube_image_keeper_monitoring_workload_images_unavailable',
    'Images of a workload that could not be pulled now, by status.',
  ],
} as const;

/** A cluster draws from tens of registries; a scrape of thousands of series helps nobody. */
export const subjectLabelsMax = 200;
/** Reasons, results, kinds and states are closed sets; this only keeps a bug from growing without end. */
export const closedLabelsMax = 100;
/** What stands for all values beyond a bound. */
const otherLabel = 'other';

/** From an answer out of memory to a review at its deadline. */
const admissionBucketsSeconds = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** Makes the metrics of one process. */
export function createMetrics(options: MetricsOptions) {
  const registry = new Registry();
  if (options.processMetrics === true) collectDefaultMetrics({ register: registry });
  setBuildInfo(registry, options.build);
  return {
    /** Whether the process is healthy: `kube_image_keeper_manager_up`. */
    setUp: onOff(registry, 'up'),
    /** `kube_image_keeper_manager_is_leader`, 1 too when nobody is elected. */
    setLeader: onOff(registry, 'isLeader'),
    /** One decision about one image, in the words of `kuik explain`; what stays has no resource. */
    routingDecision: countBy(registry, 'decisions', ['reason', 'kind', 'name']),
    /** One candidate asked: its registry, and its ProbeStatus, or why it was not asked. */
    probe: countBy(registry, 'probes', ['registry', 'result']),
    probeDuration: observeProbes(registry),
    /** When what is served runs out, seconds since the epoch. */
    certificateExpiry: shownOnceSet(registry, 'certificateExpiry'),
    webhookError: countBy(registry, 'webhookErrors', ['kind']),
    actorCrash: countBy(registry, 'actorCrashes', ['type']),
    /** One review from its first byte to the answer. */
    admission: observeAdmission(registry),
    /** One call to the API server; `outcome` is `ok` or the failure's kind, with its code if any. */
    apiRequest: countBy(registry, 'apiRequests', ['method', 'outcome']),
    /** The state of a registry's connection; undefined takes the registry out. */
    registryHealth: onePresent(registry, 'registryHealth', ['registry', 'state']),
    reflectorPhase: onePresent(registry, 'reflectorPhase', ['resource', 'phase']),
    /** An actor changed its states; undefined before is its start, after its end. */
    actorStates: countStates(registry),
    text: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
    /** Where later features register their own; never anything with default labels. */
    registry,
  };
}

/** A name of the table. */
export type MetricName = keyof typeof metricTable;

/** What prom-client wants of every metric; it refuses a name that is registered twice. */
export function describe<T extends string>(
  registry: Registry,
  metric: MetricName,
  labelNames: T[],
) {
  const [name, help] = metricTable[metric];
  return { name, help, labelNames, registers: [registry] };
}

function gauge<T extends string>(registry: Registry, metric: MetricName, labels: T[]): Gauge<T> {
  return new Gauge(describe(registry, metric, labels));
}

function onOff(registry: Registry, metric: MetricName): (on: boolean) => void {
  const series = gauge(registry, metric, []);
  series.set(0);
  return (on) => series.set(Number(on));
}

function setBuildInfo(registry: Registry, build: MetricsOptions['build']): void {
  const { version, revision = '', built = '' } = build;
  const labels = { version, revision, built, nodeversion: process.version };
  gauge(registry, 'buildInfo', ['version', 'revision', 'built', 'nodeversion']).set(labels, 1);
}

/** Label values that are told apart, at most `max`; the rest are one. */
export class BoundedLabel {
  readonly #known = new Set<string>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  name(value: string): string {
    if (this.#known.has(value)) return value;
    if (this.#known.size >= this.#max) return otherLabel;
    this.#known.add(value);
    return value;
  }

  forget(value: string): void {
    this.#known.delete(value);
  }
}

/** Labels whose values users choose: so many are told apart, the rest are `other`. */
const subjectLabels: readonly string[] = ['registry', 'name'];

function boundOf(label: string): BoundedLabel {
  return new BoundedLabel(subjectLabels.includes(label) ? subjectLabelsMax : closedLabelsMax);
}

/** Counts by labels, each of them bounded. */
export function countBy<L extends readonly string[]>(
  registry: Registry,
  metric: MetricName,
  labels: readonly [...L],
): (...values: { readonly [index in keyof L]: string }) => void {
  const counter = new Counter<string>(describe(registry, metric, [...labels]));
  const bounds = labels.map(boundOf);
  // Each review counts: the library would put labels and their key together every time.
  const children = new Map<string, Counter.Internal>();
  return (...values) => {
    const names = bounds.map((bound, index) => bound.name(values[index] ?? ''));
    const key = names.join(' ');
    const child = children.get(key) ?? counter.labels(...names);
    children.set(key, child);
    child.inc();
  };
}

/** From a registry next door to one that takes all of a candidate's time. */
const probeBucketsSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

function observeProbes(registry: Registry): (host: string, durationSeconds: number) => void {
  const histogram = new Histogram({
    ...describe(registry, 'probeDuration', ['registry']),
    buckets: probeBucketsSeconds,
  });
  const hosts = boundOf('registry');
  return (host, durationSeconds) => {
    histogram.observe({ registry: hosts.name(host) }, durationSeconds);
  };
}

/** Not shown before it is known: a 0 would be a time long past. */
function shownOnceSet(registry: Registry, metric: MetricName): (value: number) => void {
  const series = gauge(registry, metric, []);
  series.remove();
  return (value) => series.set(value);
}

function observeAdmission(registry: Registry): (durationSeconds: number) => void {
  const buckets = admissionBucketsSeconds;
  const histogram = new Histogram({ ...describe(registry, 'admission', []), buckets });
  return (durationSeconds) => histogram.observe(durationSeconds);
}

/** A gauge that is 1 for what a thing is now; what it was before leaves the exposition. */
function onePresent(
  registry: Registry,
  metric: MetricName,
  [subjectLabel, valueLabel]: readonly [string, string],
): (subject: string, value: string | undefined) => void {
  const series = gauge(registry, metric, [subjectLabel, valueLabel]);
  const subjects = new BoundedLabel(subjectLabelsMax);
  const present = new Map<string, string>();
  return (subject, value) => {
    const name = subjects.name(subject);
    // What is beyond the bound has no one state; it is left out rather than shown wrong.
    if (name === otherLabel) return;
    const before = present.get(name);
    // Who tells of each transition mostly tells of the same state.
    if (before !== undefined && before === value) return;
    if (before !== undefined) series.remove({ [subjectLabel]: name, [valueLabel]: before });
    if (value === undefined) {
      present.delete(name);
      subjects.forget(name);
      return;
    }
    present.set(name, value);
    series.set({ [subjectLabel]: name, [valueLabel]: value }, 1);
  };
}

function countStates(registry: Registry) {
  const series = gauge(registry, 'actors', ['type', 'state']);
  const types = new BoundedLabel(closedLabelsMax);
  const states = new BoundedLabel(closedLabelsMax);
  const labels = (type: string, state: string) => ({
    type: types.name(type),
    state: states.name(state),
  });
  return (type: string, before: readonly string[] = [], after: readonly string[] = []): void => {
    // Of parallel regions mostly one changes, and to count costs as much as to change.
    for (const state of before) if (!after.includes(state)) series.dec(labels(type, state));
    for (const state of after) if (!before.includes(state)) series.inc(labels(type, state));
  };
}
