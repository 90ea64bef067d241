import { type Runtime, reportCrash } from '#actors/runtime.ts';
import { type Cancellation, cancellationOf } from '#core/cancellation.ts';
import type { PodSubject } from '#core/filter/scope.ts';
import { andThen, type MaybePromise } from '#core/maybe-promise.ts';
import type { PodAdmission } from '#core/pod.ts';
import type { AdmissionAnswer, ImageQuery, RoutingQuery } from '#core/routing/admission.ts';
import { subjectOf } from '#core/routing/containers.ts';
import { decisionWarning, isRewritten, skippedDecision } from '#core/routing/decide.ts';
import type { DecisionMiss, RouteDecision, RouteExplanation } from '#core/routing/decision.ts';
import { leftOutInSteps } from '#core/routing/left-out-copies.ts';
import { type LostCopy, lostCopies } from '#core/routing/lost-copies.ts';
import { nearMissesInSteps } from '#core/routing/near-misses.ts';
import { buildPatch } from '#core/routing/patch.ts';
import type { RoutingTable } from '#core/routing/table.ts';
import { type NothingAvailableOptions, recordNothingAvailable } from './pod-events.ts';
import { type PodRoute, type RoutePodOptions, routePod } from './route-pod.ts';

/** Answers the routing query, and tells of what came of it; it holds nothing of its own. */
export class Router implements RoutingQuery {
  readonly #options: RouterOptions;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  readonly admit = (
    admission: PodAdmission,
    cancellation: Cancellation,
  ): MaybePromise<AdmissionAnswer> =>
    andThen(routePod(this.#options, admission, cancellation), (route) => {
      this.#tellLost(admission, route);
      return conclude(this.#options, admission, { route, isLate: cancellation.isCancelled });
    });

  /** Whatever becomes of the Pod, a copy that is gone is to be made again. */
  #tellLost({ dryRun }: PodAdmission, { decisions }: PodRoute): void {
    const { lostCopies: hearing, table } = this.#options;
    if (dryRun || hearing === undefined) return;
    for (const lost of lostCopies(table().copies, decisions)) hearing.report(lost);
  }

  readonly explain = async (query: ImageQuery, signal: AbortSignal): Promise<RouteExplanation> => {
    const admission = admissionOf(query);
    const { decisions } = await routePod(this.#options, admission, cancellationOf(signal));
    const container = { key: containerName, image: query.image };
    const decision = decisions[0] ?? skippedDecision(container, 'no image is named');
    const { table, turns } = this.#options;
    const misses = missesInSteps(table(), query.image, subjectOf(admission));
    const isWanted = () => !signal.aborted;
    const nearMisses = (await turns.run(query.namespace, misses, isWanted)) ?? [];
    return { ...decision, nearMisses };
  };
}

/** What the router routes with, and whom it tells. */
export interface RouterOptions extends RoutePodOptions, NothingAvailableOptions {
  readonly runtime: Pick<Runtime, 'clock' | 'log' | 'metrics'>;
  /** Who hears of copies that were not found where statuses record them. */
  readonly lostCopies?: { readonly report: (lost: LostCopy) => void };
  /** Told of each review that was answered in time, to remember it for people who look. */
  readonly record?: (admission: PodAdmission, decisions: readonly RouteDecision[]) => void;
}

/** The copies that are left out, and what comes near and does not apply. */
function* missesInSteps(
  table: RoutingTable,
  image: string,
  pod: PodSubject,
): Generator<void, readonly DecisionMiss[]> {
  const leftOut = yield* leftOutInSteps(table, image, pod);
  return [...leftOut, ...(yield* nearMissesInSteps(table, image, pod))];
}

/** The one container of a Pod that is only asked about. */
const containerName = 'image';

/** The review that a Pod with this image would make; a dry run, so that nothing is changed. */
function admissionOf(query: ImageQuery): PodAdmission {
  const { image, namespace, labels, annotations, policy, pullSecrets } = query;
  const container = { name: containerName, image, imagePullPolicy: policy };
  const imagePullSecrets = pullSecrets.map((name) => ({ name }));
  const spec = { containers: [container], imagePullSecrets };
  const pod = { metadata: { namespace, labels, annotations }, spec };
  return { pod, namespace, subresource: '', dryRun: true, uid: '' };
}

/** Carries out what came of a Pod, and tells of it. Whoever lets the patch leave checks it. */
function conclude(
  { runtime, events, owners, record }: RouterOptions,
  admission: PodAdmission,
  { route, isLate }: { readonly route: PodRoute; readonly isLate: boolean },
): AdmissionAnswer {
  const { metrics } = runtime;
  countProbes(metrics, route);
  // What is known by then came too late to be acted upon: half of it may be missing.
  if (isLate) return { patch: [], warnings: [lateWarning], decisions: [] };
  const { decisions, pullSecrets, unparsable } = route;
  const patch = buildPatch(admission.pod, decisions, { pullSecretsToAdd: pullSecrets });
  for (const decision of decisions) {
    const { kind, name } = originOf(decision);
    metrics.routingDecision(decision.reason, kind, name);
    logDecision(runtime, admission, { decision, isUnparsable: unparsable.includes(decision) });
  }
  record?.(admission, decisions);
  const failed = decisions.filter(({ reason }) => reason === 'NothingAvailable');
  if (failed.length > 0 && !admission.dryRun) {
    const told = recordNothingAvailable({ events, owners }, admission, failed);
    told.catch((error: unknown) => reportCrash(runtime, 'nothing-available', error));
  }
  return { patch, warnings: warningsOf(route), decisions };
}

const lateWarning = 'kuik: the Pod stays as it came: the time for the review was over';

function warningsOf({ decisions, warnings }: PodRoute): readonly string[] {
  const own = warnings.map((warning) => `kuik: ${warning}`);
  return [...new Set([...decisions.flatMap((one) => decisionWarning(one) ?? []), ...own])];
}

/** Each candidate once, however many containers share their image. */
function countProbes({ probe, probeDuration }: Runtime['metrics'], { decisions }: PodRoute): void {
  const images = new Map(decisions.map(({ image, candidates }) => [image, candidates]));
  for (const { image, status, ms } of [...images.values()].flat()) {
    // The full form of an image begins with its registry.
    const registry = image.slice(0, image.indexOf('/'));
    if (status !== 'NotAsked') probe(registry, status);
    if (ms > 0) probeDuration(registry, ms / 1_000);
  }
}

/** The resource that a decision is due to; none where the original stays. */
function originOf({ by }: RouteDecision): { readonly kind: string; readonly name: string } {
  const end = by.indexOf('/');
  return end < 0 ? { kind: '', name: '' } : { kind: by.slice(0, end), name: by.slice(end + 1) };
}

/** One line a decision, with the value that everybody else shows, too. */
function logDecision(
  { log }: Pick<Runtime, 'log'>,
  { uid, namespace, pod, dryRun }: PodAdmission,
  { decision, isUnparsable }: { readonly decision: RouteDecision; readonly isUnparsable: boolean },
): void {
  const level = levelOf(decision, isUnparsable);
  // Most decisions change nothing: their lines are not even put together.
  if (!log.isLevelEnabled(level)) return;
  const { name, generateName } = pod.metadata ?? {};
  const review = { uid, namespace, pod: name ?? generateName ?? '', dryRun };
  log[level]({ review, decision }, 'an image was decided on');
}

function levelOf(decision: RouteDecision, isUnparsable: boolean): 'debug' | 'info' | 'warn' {
  if (isUnparsable || decision.reason === 'NothingAvailable') return 'warn';
  return isRewritten(decision) ? 'info' : 'debug';
}
