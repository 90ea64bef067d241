import type { Registries } from '#actors/registries/registries.ts';
import { registryHost } from '#core/image/registry-host.ts';
import {
  isOnRegistry,
  type LivePod,
  type LiveWorkloads,
  liveWorkloadsInSteps,
} from '#core/routing/live-workloads.ts';
import type { PlanResources } from '#core/routing/resource-plan.ts';
import { type WhatIf, whatIfReport } from '#core/routing/what-if.ts';
import { type PlanOptions, planResources } from './plan-resources.ts';
import type { RoutePodOptions } from './route-pod.ts';
import { routeWorkloads } from './route-workloads.ts';

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
    const { workloads, left } = await this.#live(signal, (images) =>
      images.some((image) => isOnRegistry(image, dead)),
    );
    const routed = await routeWorkloads(withoutRegistries(this.#options, dead), workloads, signal);
    return whatIfReport(registries, routed, left);
  };

  /** With these resources beside those that there are, or in their place. */
  readonly plan: PlanResources = async (resources, signal) => {
    const live = await this.#live(signal);
    return await planResources(this.#options, { resources, live }, signal);
  };

  /** Reviews go on meanwhile; none where nobody waits any more. */
  async #live(
    signal: AbortSignal,
    isAsked?: (images: readonly string[]) => boolean,
  ): Promise<LiveWorkloads> {
    const { pods, turns } = this.#options;
    const steps = liveWorkloadsInSteps(pods(), workloadsMax, isAsked);
    return (await turns.run('', steps, () => !signal.aborted)) ?? { workloads: [], left: 0 };
  }
}

/** What Pods are routed with, and which live. */
export interface RehearsalOptions
  extends RoutePodOptions,
    Pick<PlanOptions, 'copier' | 'platforms'> {
  readonly pods: () => Iterable<LivePod>;
}

/** Workloads that one question is about: each may cost a request to a registry. */
const workloadsMax = 2_000;

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
