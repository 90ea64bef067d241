import { parseDuration } from '#core/duration.ts';
import { normaliseRegistry } from '#core/image/reference.ts';
import { assert } from '#core/result.ts';
import { type ConfigurationProblem, makeProblem, type Path } from './check.ts';
import { completeValue } from './complete.ts';
import { builtInItems, type PacingFields } from './monitoring-schema.ts';
import type {
  OperatorConfiguration,
  PacingConfiguration,
  RegistryConfiguration,
} from './operator-configuration.ts';
import { type CompleteConfiguration, configurationSchema } from './schema.ts';
import type { SchemaNode } from './schema-node.ts';

/** The configuration of a file that the schema has nothing against: defaults in, units resolved. */
export function resolveConfiguration(written: unknown): OperatorConfiguration {
  const complete = completeValue(
    configurationSchema as SchemaNode,
    written,
  ) as CompleteConfiguration;
  const { skipLabels, skipAnnotations, monitoring, metrics, tls } = complete;
  return {
    skipLabels,
    skipAnnotations,
    routing: resolveRouting(complete.routing),
    mirroring: resolveMirroring(complete.mirroring),
    monitoring: { registries: resolvePacing(monitoring.registries) },
    metrics,
    registries: resolveRegistries(complete),
    rootCertificateAuthorities: tls.rootCertificateAuthorities,
  };
}

/** What no single field can say: fields that contradict each other. `written` has no other fault. */
export function findContradictions(written: unknown): readonly ConfigurationProblem[] {
  const { metrics, monitoring, registries } = completeValue(
    configurationSchema as SchemaNode,
    written,
  ) as CompleteConfiguration;
  return [
    ...findBucketFaults(metrics.imageLastMonitorAgeMinutes.legacy),
    ...findHostsNamedTwice(Object.keys(monitoring.registries.items), [
      'monitoring',
      'registries',
      'items',
    ]),
    ...findHostsNamedTwice(Object.keys(registries), ['registries']),
  ];
}

function resolveRouting(
  routing: CompleteConfiguration['routing'],
): OperatorConfiguration['routing'] {
  const { activeCheck, deadline, ...switches } = routing;
  const { staleMirrorCleanup } = activeCheck;
  const deadlineMs = readMs(deadline);
  const { maxConcurrent } = staleMirrorCleanup;
  return {
    ...switches,
    deadlineMs,
    activeCheck: {
      timeoutMs: readMs(activeCheck.timeout) || deadlineMs,
      resolveDigest: activeCheck.resolveDigest,
      staleMirrorCleanup: { maxConcurrent, timeoutMs: readMs(staleMirrorCleanup.timeout) },
    },
  };
}

function resolveMirroring(
  mirroring: CompleteConfiguration['mirroring'],
): OperatorConfiguration['mirroring'] {
  const { quotaReserve, ...others } = mirroring;
  return { ...others, quotaReserve: Number.parseFloat(String(quotaReserve)) / 100 };
}

/** Field by field: the item's own, the built-in one's for its host, the default's. */
function resolvePacing(
  registries: CompleteConfiguration['monitoring']['registries'],
): OperatorConfiguration['monitoring']['registries'] {
  const items = new Map<string, PacingFields>(Object.entries(builtInItems));
  for (const [written, fields] of Object.entries(registries.items)) {
    const host = normaliseRegistry(written);
    items.set(host, { ...items.get(host), ...fields });
  }
  const pace = (fields: PacingFields) => readPacing({ ...registries.default, ...fields });
  return {
    default: pace({}),
    items: Object.fromEntries([...items].map(([host, fields]) => [host, pace(fields)])),
  };
}

function readPacing(
  fields: CompleteConfiguration['monitoring']['registries']['default'],
): PacingConfiguration {
  const { interval, timeout, ...others } = fields;
  return { ...others, intervalMs: readMs(interval), timeoutMs: readMs(timeout) };
}

function resolveRegistries({
  registries,
  tls,
}: CompleteConfiguration): OperatorConfiguration['registries'] {
  const resolved = new Map<string, RegistryConfiguration>();
  for (const [written, { caFile, ...others }] of Object.entries(registries)) {
    resolved.set(normaliseRegistry(written), { ...others, ...(caFile !== '' && { caFile }) });
  }
  for (const written of tls.insecureRegistries) {
    const host = normaliseRegistry(written);
    const settings = resolved.get(host) ?? registryDefaults();
    resolved.set(host, { ...settings, insecure: true });
  }
  return Object.fromEntries(resolved);
}

function registryDefaults(): RegistryConfiguration {
  const { additionalProperties } = configurationSchema.properties.registries as SchemaNode;
  assert(typeof additionalProperties === 'object', 'registries have a schema for each of them');
  const { caFile: _, ...others } = completeValue(additionalProperties, {}) as RegistryConfiguration;
  return others;
}

/** The same rules as kuik v2's; only the fields of the chosen type count. */
function findBucketFaults(
  legacy: CompleteConfiguration['metrics']['imageLastMonitorAgeMinutes']['legacy'],
): readonly ConfigurationProblem[] {
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

/** `docker.io` and `index.docker.io` are one registry. */
function findHostsNamedTwice(
  hosts: readonly string[],
  path: Path,
): readonly ConfigurationProblem[] {
  const seen = new Map<string, string>();
  return hosts.flatMap((host) => {
    const other = seen.get(normaliseRegistry(host));
    seen.set(normaliseRegistry(host), host);
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
