import { type KuikResource, resourceName } from '#api/kinds.ts';
import { compare } from '#core/compare.ts';
import type { MirrorFault } from '#core/mirroring/status-report.ts';
import type { WorkloadAtRisk } from '#core/monitoring/workloads.ts';
import type { RegistryView } from './registry-view.ts';

/** Something that a person should look at. */
export interface Attention {
  /** `error`: Pods do not start, or would not; `warning`: it may come to that. */
  readonly severity: 'error' | 'warning';
  readonly what: string;
  readonly reason: string;
  /** RFC 3339, where it is known. */
  readonly since: string | null;
  /** Where the page tells more: a fragment. */
  readonly link: string;
}

/** What is known of the cluster and of this process. */
export interface AttentionState {
  readonly registries: readonly RegistryView[];
  readonly workloads: readonly WorkloadAtRisk[];
  readonly resources: Iterable<KuikResource>;
  readonly copies: readonly MirrorFault[];
  /** Ids of actors that crashed and wait to be started again. */
  readonly broken: readonly string[];
  /** What is not watched now, `pods`. */
  readonly unwatched: readonly string[];
  readonly leader: string | null;
}

/** All that needs attention, what harms Pods now first. */
export function findAttention(state: AttentionState): readonly Attention[] {
  const all = [
    ...(state.leader === null ? [nobodyLeads] : []),
    ...state.unwatched.map(describeUnwatched),
    ...state.registries.flatMap(describeRegistry),
    ...state.workloads.map(describeWorkload),
    ...state.broken.map(describeBroken),
    ...[...state.resources].flatMap(describeResource),
    ...state.copies.map(describeCopies),
  ];
  // What is alike keeps its order: registries come with the worst first.
  return all.sort((left, right) => compare(left.severity, right.severity));
}

const nobodyLeads: Attention = {
  severity: 'error',
  what: 'No replica leads',
  reason: 'Pods are routed, but no image is checked or copied and no status is written meanwhile.',
  since: null,
  link: '#/actors/leadership',
};

function describeUnwatched(resource: string): Attention {
  return {
    severity: 'warning',
    what: `The API server is not heard about ${resource}`,
    reason: 'Pods are routed by what was known last; what was changed since then is not.',
    since: null,
    link: linkTo(`reflector:${resource}`),
  };
}

function describeRegistry(registry: RegistryView): readonly Attention[] {
  return [...describeCircuit(registry), ...describeQuota(registry)];
}

function describeCircuit({
  host,
  circuit,
  since,
  trouble,
  pods,
}: RegistryView): readonly Attention[] {
  const because = trouble === null ? '' : ` The last connection: ${trouble}`;
  if (circuit === 'Closed') return [];
  if (circuit === 'Suspect') {
    const reason = `A connection failed; it is being asked whether it is there.${because}`;
    const link = linkTo(`registry:${host}`);
    return [{ severity: 'warning', what: `${host} may be down`, reason, since, link }];
  }
  const runFrom = pods === 1 ? '1 Pod runs' : `${pods} Pods run`;
  return [
    {
      severity: pods > 0 ? 'error' : 'warning',
      what: `${host} does not answer`,
      reason: `${runFrom} from it; new ones get what stands in for it, if anything does.${because}`,
      since,
      link: `#/what-if?registry=${encodeURIComponent(host)}`,
    },
  ];
}

function describeQuota({
  host,
  quota: { state, retryAt, message },
}: RegistryView): readonly Attention[] {
  if (state === 'Free') return [];
  const until = retryAt === undefined ? '' : ` until ${retryAt}`;
  const said = message === undefined ? '' : ` It said: ${message}`;
  return [
    {
      severity: 'warning',
      what: `The quota of ${host} is used up`,
      reason: `It told a credential to wait${until}; others may go on.${said}`,
      since: null,
      link: linkTo(`registry:${host}`),
    },
  ];
}

function describeWorkload({ namespace, kind, name, pods, images }: WorkloadAtRisk): Attention {
  const why = images.map(
    ({ image, status, lastError }) => `${image} is ${status}${lastError ? ` (${lastError})` : ''}`,
  );
  return {
    severity: 'error',
    what: `${kind} ${namespace}/${name} could not start on another node`,
    reason: `${why.join('; ')}; Pods that use it: ${pods}`,
    since: null,
    link: `#/pods?namespace=${encodeURIComponent(namespace)}&q=${encodeURIComponent(name)}`,
  };
}

function describeBroken(id: string): Attention {
  return {
    severity: 'error',
    what: `${id} crashed`,
    reason: 'It is started again by and by; the log says more (an actor crashed).',
    since: null,
    link: linkTo(id),
  };
}

function describeResource(resource: KuikResource): readonly Attention[] {
  const ready = resource.status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready === undefined || ready.status !== 'False') return [];
  return [
    {
      severity: 'warning',
      what: `${resourceName(resource)} is not ready: ${ready.reason}`,
      reason: ready.message,
      since: ready.lastTransitionTime,
      link: `#/actors?q=${encodeURIComponent(resource.metadata.name)}`,
    },
  ];
}

function describeCopies({ resource, mirror, copies, first }: MirrorFault): Attention {
  const others = copies === 1 ? '' : ` (and ${copies - 1} more)`;
  return {
    severity: 'warning',
    what: `${mirror} lacks copies of ${resource}`,
    reason: `${first.image}${others}: ${first.lastError}`,
    since: null,
    link: `#/actors?type=mirrored-image&q=${encodeURIComponent(first.copy)}`,
  };
}

/** The page of one actor. */
export function linkTo(id: string): string {
  return `#/actors/${encodeURIComponent(id)}`;
}
