import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { registryHost } from '#core/image/registry-host.ts';
import { BoundedLabel, closedLabelsMax, otherLabel, subjectLabelsMax } from './bounded-label.ts';
import { describe, type MetricName } from './metric-table.ts';
import { collectProcessMetrics } from './process-metrics.ts';

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

/** From an answer out of memory to a review at its deadline. */
const admissionBucketsSeconds = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** Makes the metrics of one process. */
export function createMetrics(options: MetricsOptions) {
  const registry = new Registry();
  if (options.processMetrics === true) collectProcessMetrics(registry);
  setBuildInfo(registry, options.build);
  let kept: ReadonlySet<string> = new Set();
  const isKept = (host: string): boolean => kept.has(registryHost(host));
  return {
    /** Registries that are told apart whatever else is asked: those that somebody in charge named. */
    keepRegistries: (hosts: ReadonlySet<string>): void => {
      kept = hosts;
    },
    isKept,
    /** Whether the process is healthy: `kube_image_keeper_manager_up`. */
    setUp: onOff(registry, 'up'),
    /** `kube_image_keeper_manager_is_leader`, 1 too when nobody is elected. */
    setLeader: onOff(registry, 'isLeader'),
    /** One decision about one image, in the words of `kuik explain`; what stays has no resource. */
    routingDecision: countBy(registry, 'decisions', { labels: ['reason', 'kind', 'name'] }),
    /** One candidate asked: its registry, and its ProbeStatus, or why it was not asked. */
    probe: countBy(registry, 'probes', { labels: ['registry', 'result'], isKept }),
    probeDuration: observeProbes(registry, isKept),
    /** When what is served runs out, seconds since the epoch. */
    certificateExpiry: shownOnceSet(registry, 'certificateExpiry'),
    webhookError: countBy(registry, 'webhookErrors', { labels: ['kind'] }),
    actorCrash: countBy(registry, 'actorCrashes', { labels: ['type'] }),
    /** One review from its first byte to the answer. */
    admission: observeAdmission(registry),
    /** One call to the API server; `outcome` is `ok` or the failure's kind, with its code if any. */
    apiRequest: countBy(registry, 'apiRequests', { labels: ['method', 'outcome'] }),
    /** The state of a registry's connection; undefined takes the registry out. */
    registryHealth: onePresent(registry, 'registryHealth', {
      labels: ['registry', 'state'],
      isKept,
    }),
    reflectorPhase: onePresent(registry, 'reflectorPhase', { labels: ['resource', 'phase'] }),
    /** An actor changed its states; undefined before is its start, after its end. */
    actorStates: countStates(registry),
    text: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
    /** Where later features register their own; never anything with default labels. */
    registry,
  };
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

/** Labels whose values users choose; the others are closed sets. */
const subjectLabels: readonly string[] = ['registry', 'name', 'mirror'];

/** Whether a registry is told apart whatever else there is. */
type IsKept = (registry: string) => boolean;

/** Counts by labels, each of them bounded. */
export function countBy<L extends readonly string[]>(
  registry: Registry,
  metric: MetricName,
  options: SumOptions<L>,
): (...values: { readonly [index in keyof L]: string }) => void {
  const add = sumBy(registry, metric, options);
  return (...values) => add(1, ...values);
}

/** Which labels there are, and which subjects are told apart whatever else there is. */
export interface SumOptions<L extends readonly string[]> {
  readonly labels: readonly [...L];
  readonly isKept?: IsKept;
}

/** Sums by labels, each of them bounded: what a subject summed goes to `other` when it makes room. */
export function sumBy<L extends readonly string[]>(
  registry: Registry,
  metric: MetricName,
  { labels, isKept }: SumOptions<L>,
): (amount: number, ...values: { readonly [index in keyof L]: string }) => void {
  const counter = new Counter<string>(describe(registry, metric, [...labels]));
  // Each review counts: the library would put labels and their key together every time.
  const children = new Map<string, CountedSeries>();
  const childOf = (names: readonly string[]): CountedSeries => {
    const key = names.join(' ');
    const child = children.get(key) ?? { names, series: counter.labels(...names), count: 0 };
    children.set(key, child);
    return child;
  };
  const add = (names: readonly string[], count: number): void => {
    const child = childOf(names);
    child.count += count;
    child.series.inc(count);
  };
  const bounds = labels.map((label, index) => {
    if (!subjectLabels.includes(label)) return new BoundedLabel(closedLabelsMax);
    const evicted = (value: string): void => {
      for (const [key, { names, count }] of children) {
        if (names[index] !== value) continue;
        children.delete(key);
        counter.remove(...names);
        add(names.with(index, otherLabel), count);
      }
    };
    const kept = label !== 'name' && isKept !== undefined && { isKept };
    return new BoundedLabel(subjectLabelsMax, { evicted, ...kept });
  });
  return (amount, ...values) =>
    add(
      bounds.map((bound, index) => bound.name(values[index] ?? '')),
      amount,
    );
}

interface CountedSeries {
  readonly names: readonly string[];
  readonly series: Counter.Internal;
  count: number;
}

/** From a registry next door to one that takes all of a candidate's time. */
const probeBucketsSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

function observeProbes(
  registry: Registry,
  isKept: IsKept,
): (host: string, durationSeconds: number) => void {
  const histogram = new Histogram({
    ...describe(registry, 'probeDuration', ['registry']),
    buckets: probeBucketsSeconds,
  });
  // Each answer counts: the library would put labels and their key together every time.
  const children = new Map<string, Histogram.Internal<'registry'>>();
  const evicted = (host: string): void => {
    children.delete(host);
    histogram.remove({ registry: host });
  };
  const hosts = new BoundedLabel(subjectLabelsMax, { isKept, evicted });
  return (host, durationSeconds) => {
    const name = hosts.name(host);
    const child = children.get(name) ?? histogram.labels(name);
    children.set(name, child);
    child.observe(durationSeconds);
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
  given: { readonly labels: readonly [string, string]; readonly isKept?: IsKept },
): (subject: string, value: string | undefined) => void {
  const [subjectLabel, valueLabel] = given.labels;
  const series = gauge(registry, metric, [subjectLabel, valueLabel]);
  const present = new Map<string, string>();
  const leave = (subject: string): void => {
    const before = present.get(subject);
    if (before !== undefined) series.remove({ [subjectLabel]: subject, [valueLabel]: before });
    present.delete(subject);
  };
  const subjects = new BoundedLabel(subjectLabelsMax, { ...given, evicted: leave });
  return (subject, value) => {
    if (value === undefined) {
      leave(subject);
      subjects.forget(subject);
      return;
    }
    subjects.name(subject);
    // Who tells of each transition mostly tells of the same state.
    if (present.get(subject) === value) return;
    leave(subject);
    present.set(subject, value);
    series.set({ [subjectLabel]: subject, [valueLabel]: value }, 1);
  };
}

function countStates(registry: Registry) {
  const series = gauge(registry, 'actors', ['type', 'state']);
  const types = new BoundedLabel(closedLabelsMax);
  const states = new BoundedLabel(closedLabelsMax);
  // Each transition counts: the library would put labels and their key together every time.
  const children = new Map<string, Gauge.Internal<'type' | 'state'>>();
  const child = (type: string, state: string): Gauge.Internal<'type' | 'state'> => {
    const [typeName, stateName] = [types.name(type), states.name(state)];
    const key = `${typeName} ${stateName}`;
    const known = children.get(key) ?? series.labels(typeName, stateName);
    children.set(key, known);
    return known;
  };
  return (type: string, before: readonly string[] = [], after: readonly string[] = []): void => {
    // Of parallel regions mostly one changes, and to count costs as much as to change.
    for (const state of before) if (!after.includes(state)) child(type, state).dec();
    for (const state of after) if (!before.includes(state)) child(type, state).inc();
  };
}
