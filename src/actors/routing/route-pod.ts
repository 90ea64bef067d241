import type { FairTurns } from '#actors/fair-turns.ts';
import type { Cancellation } from '#core/cancellation.ts';
import { formatReference } from '#core/image/reference.ts';
import { andThen, type MaybePromise } from '#core/maybe-promise.ts';
import type { PodAdmission } from '#core/pod.ts';
import type { Candidate } from '#core/routing/candidates.ts';
import {
  type ContainerPlan,
  type PlannedContainer,
  type PodPlan,
  planInSteps,
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
  /** In which Pods are decided upon that take long. */
  readonly turns: FairTurns;
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
  const planning = planInSteps(table, admission, options.policy);
  const isWanted = () => !cancellation.isCancelled;
  const planned = options.turns.run(admission.namespace, planning, isWanted);
  return andThen(planned, (plan = nothingPlanned) => {
    const open = new Map<string, PlannedContainer>();
    for (const one of plan.containers) {
      if (one.kind === 'route' && needsAsking(one.candidates)) open.set(keyOf(one), one);
    }
    if (open.size === 0) return conclude(plan, nothingAsked);
    const asked = askAll(options, { admission, table, open }, cancellation);
    return andThen(asked, (images) => conclude(plan, images));
  });
}

const nothingPlanned: PodPlan = { containers: [], warnings: [] };

/** What came of the images of a Pod that had to be asked for. */
interface AskedImages {
  readonly routes: ReadonlyMap<string, ImageRoute>;
  readonly warnings: readonly string[];
}

const nothingAsked: AskedImages = { routes: new Map(), warnings: [] };

function conclude({ containers, warnings }: PodPlan, asked: AskedImages): PodRoute {
  const decisions = containers.map((plan) => decideOne(plan, asked.routes));
  const routes = [...asked.routes.values()];
  return {
    decisions,
    pullSecrets: [...new Set(routes.flatMap(({ pullSecret }) => pullSecret ?? []))],
    warnings: [...warnings, ...asked.warnings, ...routes.flatMap((route) => route.warnings)],
    unparsable: decisions.filter((_, index) => isUnparsable(containers[index])),
  };
}

interface OpenImages {
  readonly admission: PodAdmission;
  readonly table: RoutingTable;
  /** By image and pull policy: what the candidates of one Pod depend on. */
  readonly open: ReadonlyMap<string, PlannedContainer>;
}

/**
 * Answers that are remembered are taken at once, where no Secret has to be read first. Where a Secret
 * that was refused has changed since it was read, all is asked once more.
 */
function askAll(
  options: RoutePodOptions,
  { admission, table, open }: OpenImages,
  cancellation: Cancellation,
): MaybePromise<AskedImages> {
  const candidates = [...open.values()].flatMap((plan) => plan.candidates);
  const { clock } = options.runtime;
  const startedMs = clock.now();
  const askWith = (pod: PodCredentials): MaybePromise<AskedImages> => {
    const left = leftToAsk(admission, clock.now() - startedMs);
    const { dryRun: isQuiet, namespace: share } = admission;
    const bounded = { ...options, ...left, isQuiet, share };
    const ask = (plan: PlannedContainer) =>
      routeImage(bounded, { candidates: plan.candidates, pod }, cancellation.signal);
    const routes = recallAll(bounded, open, pod) ?? allByKey(open, ask);
    return andThen(routes, (known) => ({ routes: known, warnings: pod.warnings }));
  };
  const credentials = readPodCredentials(options, { admission, table, candidates }, cancellation);
  return andThen(credentials, (pod) =>
    andThen(askWith(pod), (asked) => {
      const refused = refusedOf(open, asked.routes);
      if (refused.length === 0) return asked;
      const renewed = pod.renewed(refused, cancellation);
      return andThen(renewed, (again) => (again === undefined ? asked : askWith(again)));
    }),
  );
}

/** The candidates whose credentials were not let in. */
function refusedOf(open: OpenImages['open'], routes: AskedImages['routes']): readonly Candidate[] {
  return [...open].flatMap(([key, { candidates }]) =>
    candidates.filter((_, index) => routes.get(key)?.answers[index]?.status === 'InvalidAuth'),
  );
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
  const { candidates, leftOut } = plan;
  const route = routes.get(keyOf(plan));
  // Without a question the original is taken, where it may be.
  const winner = route === undefined && candidates.length > 0 ? 0 : route?.winner;
  return decide({
    container,
    candidates,
    leftOut,
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
