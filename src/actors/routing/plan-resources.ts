import { type KuikResource, resourceName } from '#api/kinds.ts';
import { cancellationOf } from '#core/cancellation.ts';
import type { Credential } from '#core/credentials.ts';
import { keptPlatforms, type PlatformsSetting } from '#core/mirroring/platforms.ts';
import { planContainers, planInSteps } from '#core/routing/containers.ts';
import type { LiveWorkload, LiveWorkloads } from '#core/routing/live-workloads.ts';
import {
  byImage,
  type Coverage,
  type CoveredImage,
  coverageInSteps,
  type PlannedCopy,
  type PlanReport,
  type ResourcePlan,
  reroutedBy,
  withoutNewSecrets,
} from '#core/routing/resource-plan.ts';
import { compileInSteps, type RoutingTable, withArchitectures } from '#core/routing/table.ts';
import type { RoutedWorkload } from '#core/routing/what-if.ts';
import type { ImageCopier } from '#oci/copy.ts';
import { readPodCredentials } from './pod-credentials.ts';
import type { RoutePodOptions } from './route-pod.ts';
import { eachAtOnce, routeWorkloads } from './route-workloads.ts';

/** What is planned with. */
export interface PlanOptions extends RoutePodOptions {
  readonly copier: Pick<ImageCopier, 'measure'>;
  /** What copies keep of an index. */
  readonly platforms: PlatformsSetting;
}

/** The resources, and the workloads that they may be about. */
export interface PlanRequest {
  readonly resources: readonly KuikResource[];
  readonly live: LiveWorkloads;
}

/** Images whose size is asked for: each costs requests to a registry, some of which count them. */
const measuredMax = 200;

/**
 * What these resources would do beside those that there are, or in their place: all workloads are
 * routed as things are and as they would be. Nothing is written, and nothing is remembered of it.
 */
export async function planResources(
  options: PlanOptions,
  { resources, live }: PlanRequest,
  signal: AbortSignal,
): Promise<PlanReport> {
  const now = options.table();
  const planned = resources.map((resource) => asApplied(resource, now));
  const table = await compileBeside(options, planned, signal);
  const { workloads, left } = live;
  if (table === undefined)
    return { plans: [], bytes: 0, workloads: 0, undecided: workloads.length };
  const touching = touchedInSteps([now, table], workloads, { options, planned });
  const touched = (await options.turns.run('', touching, () => !signal.aborted)) ?? [];
  const before = await routeWorkloads(options, touched, signal);
  const after = await routeWorkloads({ ...options, table: () => table }, touched, signal);
  const sizes = new Map<string, number>();
  const plans: ResourcePlan[] = [];
  for (const resource of planned) {
    const covering = await coverageOf(options, { resource, table, live }, signal);
    const covered = [...(covering?.covered.values() ?? [])];
    plans.push({
      resource: resourceName(resource),
      problems: problemsOf(table, resource),
      images: byImage(covered).map(({ image }) => image),
      leftOut: covering?.leftOut ?? [],
      rerouted: reroutedBy(resourceName(resource), before, after),
      copies: await measureAll({ ...options, table: () => now }, { covered, sizes }, signal),
    });
  }
  const bytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const undecided = left + countUndecided(before, after);
  return { plans, bytes, workloads: workloads.length, undecided };
}

/** As it would be compiled, with the status that the one of its name has. */
function asApplied(resource: KuikResource, { entries }: RoutingTable): KuikResource {
  const applied = entries.get(resourceName(resource))?.resource;
  const { status: _, ...rest } = withoutNewSecrets(resource, applied);
  const uid = applied?.metadata.uid ?? 'not-applied';
  return {
    ...{ ...rest, metadata: { ...resource.metadata, uid } },
    ...(applied?.status !== undefined && { status: applied.status }),
  } as KuikResource;
}

/** A table of its own: what the present one remembers of copies is not to hear of what is planned. */
async function compileBeside(
  { table, turns }: PlanOptions,
  planned: readonly KuikResource[],
  signal: AbortSignal,
): Promise<RoutingTable | undefined> {
  const { entries, architectures } = table();
  const names = new Set(planned.map(resourceName));
  const others = [...entries].filter(([name]) => !names.has(name));
  const all = [...others.map(([, { resource }]) => resource), ...planned];
  const compiled = await turns.run('', compileInSteps(all), () => !signal.aborted);
  return compiled && withArchitectures(compiled, architectures);
}

interface Touching {
  readonly options: PlanOptions;
  readonly planned: readonly KuikResource[];
}

/** Workloads for which one of the resources proposes an image, by one of the tables. */
function* touchedInSteps(
  tables: readonly RoutingTable[],
  workloads: readonly LiveWorkload[],
  { options, planned }: Touching,
): Generator<void, readonly LiveWorkload[]> {
  const names = new Set(planned.map(resourceName));
  const touched: LiveWorkload[] = [];
  for (const workload of workloads) {
    let isTouched = false;
    for (const table of tables) {
      const { containers } = yield* planInSteps(table, workload.admission, options.policy);
      isTouched ||= containers.some(
        (plan) => plan.kind === 'route' && plan.candidates.some(({ by }) => names.has(by)),
      );
    }
    if (isTouched) touched.push(workload);
  }
  return touched;
}

function problemsOf({ problems }: RoutingTable, resource: KuikResource) {
  const name = resourceName(resource);
  return problems
    .filter(({ resource: { kind, ...metadata } }) => resourceName({ kind, metadata }) === name)
    .map(({ field, message }) => ({ field, message }));
}

async function coverageOf(
  { turns }: PlanOptions,
  {
    resource,
    table,
    live,
  }: {
    readonly resource: KuikResource;
    readonly table: RoutingTable;
    readonly live: LiveWorkloads;
  },
  signal: AbortSignal,
): Promise<Coverage | undefined> {
  const compiled = table.find(resourceName(resource));
  if (compiled === undefined) return undefined;
  const steps = coverageInSteps({ resource, compiled }, live.workloads);
  return await turns.run('', steps, () => !signal.aborted);
}

interface Measuring {
  readonly covered: readonly CoveredImage[];
  /** By target and digest: what several images share is sent once. */
  readonly sizes: Map<string, number>;
}

async function measureAll(
  options: PlanOptions,
  { covered, sizes }: Measuring,
  signal: AbortSignal,
): Promise<readonly PlannedCopy[]> {
  const wanted = covered.filter(({ copies }) => copies.length > 0);
  const measured = new Map<string, PlannedCopy>();
  await eachAtOnce(wanted.slice(0, measuredMax).values(), signal, async (one) => {
    const { image, copies } = one;
    const parts = await measure(options, one, signal);
    if (signal.aborted) return;
    if (!parts.ok) {
      measured.set(image, { image, copies, message: parts.error.message });
      return;
    }
    const unique = new Map(parts.value.map(({ digest, size }) => [digest, size]));
    for (const [digest, size] of unique) {
      for (const copy of copies) sizes.set(`${copy.split('/', 1)[0]} ${digest}`, size);
    }
    const bytes = [...unique.values()].reduce((sum, size) => sum + size, 0);
    measured.set(image, { image, copies, bytes });
  });
  const unknown = 'its size was not asked for: there are too many, or the time was over';
  return byImage(wanted).map(
    ({ image, copies }) => measured.get(image) ?? { image, copies, message: unknown },
  );
}

/** With what the Pod itself may pull with. */
async function measure(
  options: PlanOptions,
  { reference: source, workload: { admission, namespace } }: CoveredImage,
  signal: AbortSignal,
) {
  const table = options.table();
  const candidates = planContainers(table, admission, options.policy).flatMap((plan) =>
    plan.kind === 'route' ? plan.candidates.filter(({ original }) => original) : [],
  );
  const own = candidates.find(
    ({ reference }) => reference.registry === source.registry && reference.path === source.path,
  );
  const request = { admission, table, candidates: own === undefined ? [] : [own] };
  const pod = await readPodCredentials(options, request, cancellationOf(signal));
  const sourceCredentials: readonly Credential[] = own === undefined ? [] : pod.credentialsFor(own);
  const platforms = keptPlatforms(options.platforms, table.architectures ?? []);
  return await options.copier.measure(
    { source, sourceCredentials, platforms, share: namespace },
    signal,
  );
}

function countUndecided(
  before: readonly RoutedWorkload[],
  after: readonly RoutedWorkload[],
): number {
  const isOpen = (_: RoutedWorkload, index: number) =>
    before[index]?.decisions === undefined || after[index]?.decisions === undefined;
  return after.filter(isOpen).length;
}
