import type { Registries } from '#actors/registries/registries.ts';
import { type Cancellation, cancellationOf } from '#core/cancellation.ts';
import { registryHost } from '#core/image/registry-host.ts';
import {
  isOnRegistry,
  type LivePod,
  type LiveWorkload,
  liveWorkloads,
} from '#core/routing/live-workloads.ts';
import { type RoutedWorkload, type WhatIf, whatIfReport } from '#core/routing/what-if.ts';
import { type RoutePodOptions, routePod } from './route-pod.ts';

/** Routes the Pods that live as if they were created again; nothing is changed by that. */
export class Rehearsal {
  readonly #options: RehearsalOptions;

  constructor(options: RehearsalOptions) {
    this.#options = options;
  }

  /** With these registries held unreachable, whatever they would answer. */
  readonly whatIf: WhatIf = async (names, signal) => {
    const registries = [...new Set(names.map(registryHost))];
    const dead = new Set(registries);
    const { workloads, left } = liveWorkloads(this.#options.pods(), workloadsMax, (images) =>
      images.some((image) => isOnRegistry(image, dead)),
    );
    const routed = await routeAll(withoutRegistries(this.#options, dead), workloads, signal);
    return whatIfReport(registries, routed, left);
  };
}

/** What Pods are routed with, and which live. */
export interface RehearsalOptions extends RoutePodOptions {
  readonly pods: () => Iterable<LivePod>;
}

/** Workloads that one question is about: each may cost a request to a registry. */
const workloadsMax = 2_000;
/** Workloads that are decided about at once: reviews go on meanwhile. */
const routedAtOnceMax = 16;

/** What is not done when nobody waits any more has no decisions. */
async function routeAll(
  options: RoutePodOptions,
  workloads: readonly LiveWorkload[],
  signal: AbortSignal,
): Promise<readonly RoutedWorkload[]> {
  const routed: RoutedWorkload[] = workloads.map((workload) => ({ workload }));
  const waiting = workloads.entries();
  const cancellation: Cancellation = cancellationOf(signal);
  const work = async () => {
    for (const [index, workload] of waiting) {
      if (cancellation.isCancelled) return;
      const { decisions } = await routePod(options, workload.admission, cancellation);
      // What was found out while nobody waits any more may be half of it.
      if (!cancellation.isCancelled) routed[index] = { workload, decisions };
    }
  };
  await Promise.all(Array.from({ length: routedAtOnceMax }, work));
  return routed;
}

/** The same, where these registries are asked nothing and count as unreachable. */
function withoutRegistries(options: RehearsalOptions, dead: ReadonlySet<string>): RoutePodOptions {
  const { registries, isNodeOnly } = options;
  const isDead = (host: string) => dead.has(registryHost(host));
  const probe: Registries['probe'] = async (request, signal, ask) => {
    const { registry } = request.reference;
    if (!isDead(registry)) return await registries.probe(request, signal, ask);
    return { kind: 'SetAside', message: `${registry} is held unreachable` };
  };
  return {
    ...options,
    registries: {
      probe,
      recall: (request) =>
        isDead(request.reference.registry) ? undefined : registries.recall(request),
      isTrusted: (host) => !isDead(host) && registries.isTrusted(host),
    },
    ...(isNodeOnly !== undefined && {
      isNodeOnly: (reference) => !isDead(reference.registry) && isNodeOnly(reference),
    }),
  };
}
