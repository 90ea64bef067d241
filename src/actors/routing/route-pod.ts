import type { Cancellation } from '#core/cancellation.ts';
import { formatReference } from '#core/image/reference.ts';
import { andThen, type MaybePromise } from '#core/maybe-promise.ts';
import type { PodAdmission } from '#core/pod.ts';
import {
  type ContainerPlan,
  type PlannedContainer,
  planContainers,
} from '#core/routing/containers.ts';
import { decide, needsAsking, skippedDecision } from '#core/routing/decide.ts';
import type { RouteDecision } from '#core/routing/decision.ts';
import type { RoutingPolicy } from '#core/routing/policy.ts';
import type { RoutingTable } from '#core/routing/table.ts';
import type { AskCandidatesOptions } from './ask-candidates.ts';
import {
  type PodCredentials,
  type PodCredentialsOptions,
  readPodCredentials,
} from './pod-credentials.ts';
import { type ImageRoute, recallImage, routeImage } from './route-images.ts';

/** What a Pod is routed with. */
export interface RoutePodOptions extends AskCandidatesOptions, PodCredentialsOptions {
  /** The present snapshot of the compiled resources. */
  readonly table: () => RoutingTable;
  readonly policy: RoutingPolicy;
}

/** What came of one Pod, before any of it is carried out. */
export interface PodRoute {
  /** One an image, in the Pod's order. */
  readonly decisions: readonly RouteDecision[];
  /** Pull secrets that the Pod needs and does not name. */
  readonly pullSecrets: readonly string[];
  /** Sentences for whoever creates the Pod, beside those of the decisions. */
  readonly warnings: readonly string[];
  /** Images that could not be read as such. */
  readonly unparsable: readonly RouteDecision[];
}

/**
 * Decides about every image of a Pod, all at once. The same image is asked for once, and where no
 * resource proposes anything nothing is read and nothing is sent (behaviour §3.5). Where nothing has
 * to be waited for the answer is no promise.
 */
export function routePod(
  options: RoutePodOptions,
  admission: PodAdmission,
  cancellation: Cancellation,
): MaybePromise<PodRoute> {
  const table = options.table();
  const plans = planContainers(table, admission, options.policy);
  const open = new Map<string, PlannedContainer>();
  for (const plan of plans) {
    if (plan.kind === 'route' && needsAsking(plan.candidates)) open.set(keyOf(plan), plan);
  }
  if (open.size === 0) return conclude(plans, nothingAsked);
  const asked = askAll(options, { admission, table, open }, cancellation);
  return andThen(asked, (images) => conclude(plans, images));
}

/** What came of the images of a Pod that had to be asked for. */
interface AskedImages {
  readonly routes: ReadonlyMap<string, ImageRoute>;
  readonly warnings: readonly string[];
}

const nothingAsked: AskedImages = { routes: new Map(), warnings: [] };

function conclude(plans: readonly ContainerPlan[], { routes, warnings }: AskedImages): PodRoute {
  const decisions = plans.map((plan) => decideOne(plan, routes));
  const asked = [...routes.values()];
  return {
    decisions,
    pullSecrets: [...new Set(asked.flatMap(({ pullSecret }) => pullSecret ?? []))],
    warnings: [...warnings, ...asked.flatMap((route) => route.warnings)],
    unparsable: decisions.filter((_, index) => isUnparsable(plans[index])),
  };
}

interface OpenImages {
  readonly admission: PodAdmission;
  readonly table: RoutingTable;
  /** By image and pull policy: what the candidates of one Pod depend on. */
  readonly open: ReadonlyMap<string, PlannedContainer>;
}

/** Answers that are remembered are taken at once, where no Secret has to be read first. */
function askAll(
  options: RoutePodOptions,
  { admission, table, open }: OpenImages,
  cancellation: Cancellation,
): MaybePromise<AskedImages> {
  const candidates = [...open.values()].flatMap((plan) => plan.candidates);
  const { clock } = options.runtime;
  const startedMs = clock.now();
  const credentials = readPodCredentials(options, { admission, table, candidates }, cancellation);
  return andThen(credentials, (pod) => {
    const left = leftToAsk(admission, clock.now() - startedMs);
    const bounded = { ...options, ...left, isQuiet: admission.dryRun };
    const ask = (plan: PlannedContainer) =>
      routeImage(bounded, { candidates: plan.candidates, pod }, cancellation.signal);
    const routes = recallAll(bounded, open, pod) ?? allByKey(open, ask);
    return andThen(routes, (known) => ({ routes: known, warnings: pod.warnings }));
  });
}

/** All images by what is remembered; undefined where any has to be asked for. */
function recallAll(
  options: AskCandidatesOptions,
  open: OpenImages['open'],
  pod: PodCredentials,
): AskedImages['routes'] | undefined {
  const routes = new Map<string, ImageRoute>();
  for (const [key, { candidates }] of open) {
    const route = recallImage(options, { candidates, pod });
    if (route === undefined) return undefined;
    routes.set(key, route);
  }
  return routes;
}

async function allByKey(
  open: OpenImages['open'],
  ask: (plan: PlannedContainer) => Promise<ImageRoute>,
): Promise<AskedImages['routes']> {
  const asked = [...open].map(async ([key, plan]) => [key, await ask(plan)] as const);
  return new Map(await Promise.all(asked));
}

/**
 * Kept back from the review's deadline, in ms, for a Secret to be put in its place and the answer to
 * be written; a fifth where the deadline is short.
 */
const reserveMsMax = 500;

/**
 * Time for the candidates, always inside the review's own, so that one that hangs does not take with
 * it what the others have answered (behaviour §3.5).
 */
function leftToAsk(
  { deadlineMs }: Pick<PodAdmission, 'deadlineMs'>,
  spentMs: number,
): Pick<AskCandidatesOptions, 'withinMs'> {
  if (deadlineMs === undefined) return {};
  const reserveMs = Math.min(reserveMsMax, deadlineMs / 5);
  return { withinMs: Math.max(1, deadlineMs - spentMs - reserveMs) };
}

function decideOne(plan: ContainerPlan, routes: ReadonlyMap<string, ImageRoute>): RouteDecision {
  const { key, image } = plan.container;
  const container = { key, image };
  if (plan.kind === 'skip') return skippedDecision(container, plan.why);
  const { candidates } = plan;
  const route = routes.get(keyOf(plan));
  // Without a question the original is taken, where it may be.
  const winner = route === undefined && candidates.length > 0 ? 0 : route?.winner;
  return decide({
    container,
    candidates,
    answers: route?.answers ?? [],
    winner,
    ms: route?.ms ?? 0,
  });
}

function keyOf({ reference, container }: PlannedContainer): string {
  return `${formatReference(reference)} ${container.policy}`;
}

function isUnparsable(plan: ContainerPlan | undefined): boolean {
  return plan?.kind === 'skip' && plan.skip === 'Unparsable';
}
