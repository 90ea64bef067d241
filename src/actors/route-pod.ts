import { formatReference } from '#core/image/reference.ts';
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
import { openWallet, type WalletOptions } from './route-credentials.ts';
import { type ImageRoute, routeImage } from './route-images.ts';

/** What a Pod is routed with. */
export interface RoutePodOptions extends AskCandidatesOptions, WalletOptions {
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
  /** What each candidate that was asked came to, once however many containers share it. */
  readonly asked: readonly ImageRoute[];
  /** Images that could not be read as such. */
  readonly unparsable: readonly RouteDecision[];
}

/**
 * Decides about every image of a Pod, all at once. The same image is asked for once, and where no
 * resource proposes anything nothing is read and nothing is sent (behaviour §3.5).
 */
export async function routePod(
  options: RoutePodOptions,
  admission: PodAdmission,
  signal: AbortSignal,
): Promise<PodRoute> {
  const table = options.table();
  const plans = planContainers(table, admission, options.policy);
  const open = new Map<string, PlannedContainer>();
  for (const plan of plans) {
    if (plan.kind === 'route' && needsAsking(plan.candidates)) open.set(keyOf(plan), plan);
  }
  const { routes, warnings } = await askAll(options, { admission, table, open }, signal);
  const decisions = plans.map((plan) => decideOne(plan, routes));
  const asked = [...routes.values()];
  return {
    decisions,
    pullSecrets: [...new Set(asked.flatMap(({ pullSecret }) => pullSecret ?? []))],
    warnings: [...warnings, ...asked.flatMap((route) => route.warnings)],
    asked,
    unparsable: decisions.filter((_, index) => isUnparsable(plans[index])),
  };
}

interface OpenImages {
  readonly admission: PodAdmission;
  readonly table: RoutingTable;
  /** By image and pull policy: what the candidates of one Pod depend on. */
  readonly open: ReadonlyMap<string, PlannedContainer>;
}

async function askAll(
  options: RoutePodOptions,
  { admission, table, open }: OpenImages,
  signal: AbortSignal,
): Promise<{
  readonly routes: ReadonlyMap<string, ImageRoute>;
  readonly warnings: readonly string[];
}> {
  if (open.size === 0) return { routes: new Map(), warnings: [] };
  const candidates = [...open.values()].flatMap((plan) => plan.candidates);
  const startedMs = options.wake.now();
  const wallet = await openWallet(options, { admission, table, candidates }, signal);
  const bounded = {
    ...options,
    ...leftToAsk(admission, options.wake.now() - startedMs),
    isQuiet: admission.dryRun,
  };
  const routes = await Promise.all(
    [...open].map(async ([key, plan]) => {
      const request = { candidates: plan.candidates, wallet };
      return [key, await routeImage(bounded, request, signal)] as const;
    }),
  );
  return { routes: new Map(routes), warnings: wallet.warnings };
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
