import type { ReadOnly } from '#api/read-only.ts';
import { parseDuration } from '#core/duration.ts';
import { normaliseRegistry } from '#core/image/reference.ts';
import { registryHost } from '#core/image/registry-host.ts';
import type { Pace } from '#core/monitoring/pace.ts';
import { assert } from '#core/result.ts';
import { makeProblem, type Path, type SchemaProblem } from '#core/schema/check.ts';
import type { SchemaNode } from '#core/schema/schema-node.ts';
import { completeValue } from './complete.ts';
import { builtInItems, type PacingFields } from './monitoring-schema.ts';
import {
  type CompleteConfiguration,
  type CopyPace,
  configurationSchema,
  registrySchema,
} from './schema.ts';

/** The operator configuration as the rooms use it: complete, durations in ms, hosts normalised. */
export type OperatorConfiguration = ReadOnly<ReturnType<typeof resolve>>;

/** The configuration of a file that the schema has nothing against: defaults in, units resolved. */
export function resolveConfiguration(written: unknown): OperatorConfiguration {
  return resolve(complete(written));
}

/** What no single field can say: fields that contradict each other. `written` has no other fault. */
export function findContradictions(written: unknown): readonly SchemaProblem[] {
  const { metrics, monitoring, registries } = complete(written);
  return [
    ...findBucketFaults(metrics.imageLastMonitorAgeMinutes.legacy),
    ...findHostsNamedTwice(monitoring.registries.items, ['monitoring', 'registries', 'items']),
    ...findHostsNamedTwice(registries, ['registries']),
  ];
}

function complete(written: unknown): CompleteConfiguration {
  return completeValue(configurationSchema as SchemaNode, written) as CompleteConfiguration;
}

function resolve(configuration: CompleteConfiguration) {
  const { skipLabels, skipAnnotations, routing, mirroring, metrics, tls } = configuration;
  return {
    skipLabels,
    skipAnnotations,
    routing: resolveRouting(routing),
    mirroring: {
      ...mirroring,
      /** A share, 0 to 1. */
      quotaReserve: Number.parseFloat(String(mirroring.quotaReserve)) / 100,
    },
    monitoring: {
      nodeOnly: configuration.monitoring.nodeOnly,
      registries: resolvePacing(configuration.monitoring.registries),
    },
    metrics,
    /** By host. */
    registries: resolveRegistries(configuration),
    /** Paths of PEM files to trust for every registry, beside the usual roots. */
    rootCertificateAuthorities: tls.rootCertificateAuthorities,
  };
}

function resolveRouting({ activeCheck, deadline, ...switches }: CompleteConfiguration['routing']) {
  const { timeout, resolveDigest, staleMirrorCleanup } = activeCheck;
  const { maxConcurrent } = staleMirrorCleanup;
  const deadlineMs = readMs(deadline);
  return {
    ...switches,
    /** A whole review. */
    deadlineMs,
    activeCheck: {
      /** One candidate, with all it needs; where the file says 0, as long as the whole review has. */
      timeoutMs: readMs(timeout) || deadlineMs,
      resolveDigest,
      /** `timeoutMs` 0 means none. */
      staleMirrorCleanup: { maxConcurrent, timeoutMs: readMs(staleMirrorCleanup.timeout) },
    },
  };
}

/** Field by field: the item's own, the built-in one's for its host, the default's. */
function resolvePacing(registries: CompleteConfiguration['monitoring']['registries']) {
  const items = new Map<string, PacingFields>(Object.entries(builtInItems));
  for (const [written, fields] of Object.entries(registries.items)) {
    const host = normaliseRegistry(written);
    items.set(host, { ...items.get(host), ...fields });
  }
  const pace = (fields: PacingFields): PacingConfiguration =>
    readPacing({ ...registries.default, ...fields });
  return {
    default: pace({}),
    items: Object.fromEntries([...items].map(([host, fields]) => [host, pace(fields)])),
  };
}

/** The pace of one registry's checks; `timeoutMs` 0 means none. */
export type PacingConfiguration = ReadOnly<ReturnType<typeof readPacing>>;

function readPacing(fields: CompleteConfiguration['monitoring']['registries']['default']) {
  const { interval, timeout, ...others } = fields;
  return { ...others, intervalMs: readMs(interval), timeoutMs: readMs(timeout) };
}

/** How one registry is spoken to; `caFile` is the path of a PEM file. */
type RegistryConfiguration = Omit<Settings, 'caFile' | 'copies'> & {
  readonly caFile?: string;
  /** How fast images begin to be copied from it; absent where there is no bound. */
  readonly copies?: Pace;
};
type Settings = CompleteConfiguration['registries'][string];

function resolveRegistries({
  registries,
  tls,
}: CompleteConfiguration): Readonly<Record<string, RegistryConfiguration>> {
  const resolved = new Map<string, RegistryConfiguration>();
  const complete = completeValue(registrySchema as SchemaNode, {}) as Settings;
  const { caFile: _, copies: __, ...defaults } = complete;
  for (const [written, { caFile, copies, ...others }] of Object.entries(registries)) {
    resolved.set(normaliseRegistry(written), {
      ...others,
      ...(caFile !== '' && { caFile }),
      ...(copies !== 'none' && { copies: readPace(copies) }),
    });
  }
  for (const written of tls.insecureRegistries) {
    const host = normaliseRegistry(written);
    resolved.set(host, { ...defaults, ...resolved.get(host), insecure: true });
  }
  return Object.fromEntries(resolved);
}

function readPace({ interval, maxPerInterval }: Exclude<CopyPace, 'none'>): Pace {
  return { intervalMs: readMs(interval), maxPerInterval };
}

/** The same rules as kuik v2's; only the fields of the chosen type count. */
function findBucketFaults(
  legacy: CompleteConfiguration['metrics']['imageLastMonitorAgeMinutes']['legacy'],
): readonly SchemaProblem[] {
  const path = ['metrics', 'imageLastMonitorAgeMinutes', 'legacy'];
  if (legacy.bucketType === 'exponentialRange' && legacy.max <= legacy.min) {
    return [makeProblem([...path, 'max'], `a number above min (${legacy.min})`, legacy.max)];
  }
  if (legacy.bucketType !== 'custom') return [];
  return legacy.custom.flatMap((bound, position, bounds) => {
    const before = bounds[position - 1];
    if (before === undefined || bound > before) return [];
    const expected = `a number above the one before (${before})`;
    return [makeProblem([...path, 'custom', position], expected, bound)];
  });
}

/** `docker.io` and `index.docker.io` are one registry, and so are all names of one host. */
function findHostsNamedTwice(byHost: object, path: Path): readonly SchemaProblem[] {
  const seen = new Map<string, string>();
  return Object.keys(byHost).flatMap((host) => {
    const name = registryHost(normaliseRegistry(host));
    const other = seen.get(name);
    seen.set(name, host);
    if (other === undefined) return [];
    return [makeProblem([...path, host], `one key for one registry, which ${other} is too`, host)];
  });
}

/** The check let only durations through; a bare 0 is a number in YAML. */
function readMs(written: string | number): number {
  const parsed = parseDuration(String(written));
  assert(parsed.ok, `a duration that passed the check can be read: ${written}`);
  return parsed.value;
}
