import { type Cancellation, cancellationOf } from '#core/cancellation.ts';
import { andThen, type MaybePromise } from '#core/maybe-promise.ts';
import type { PodAdmission } from '#core/pod.ts';
import { decisionWarning, isRewritten } from '#core/routing/decide.ts';
import type { RouteDecision } from '#core/routing/decision.ts';
import { buildPatch, checkPatch, type JsonPatchOperation } from '#core/routing/patch.ts';
import type { Log } from '#telemetry/log.ts';
import type { Metrics } from '#telemetry/metrics.ts';
import { explainImage, explainPod, type RouteQuery } from './explain.ts';
import type { NothingAvailable } from './nothing-available.ts';
import { type PodRoute, type RoutePodOptions, routePod } from './route-pod.ts';

/** What the router says to one review; structurally the `AdmissionAnswer` of `http`. */
export interface PodAnswer {
  /** Minimal RFC 6902 patch; empty when the Pod is left as it came. */
  readonly patch: readonly JsonPatchOperation[];
  readonly warnings: readonly string[];
  readonly decisions: readonly RouteDecision[];
}

/** The routing query: what a Pod gets, and what it would get. */
export interface Router {
  /**
   * Routes the Pod of one review, at once where nothing has to be asked for it; when cancellation ends
   * before that, the Pod stays as it came.
   */
  readonly admit: (admission: PodAdmission, cancellation: Cancellation) => MaybePromise<PodAnswer>;
  /** What a Pod with this image would get; changes nothing. */
  readonly explain: (query: RouteQuery, signal: AbortSignal) => Promise<RouteDecision>;
  /** What this Pod would get; changes nothing. */
  readonly explainPod: (
    admission: PodAdmission,
    signal: AbortSignal,
  ) => Promise<readonly RouteDecision[]>;
}

/** What the router routes with, and whom it tells. */
export interface RouterOptions extends RoutePodOptions {
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'routingDecision' | 'probe' | 'webhookError'>;
  /** Told where nothing answered; not a word of it on a dry run. */
  readonly nothingAvailable?: NothingAvailable;
}

/** Makes the router; it holds nothing of its own. */
export function createRouter(options: RouterOptions): Router {
  return {
    admit: (admission, cancellation) =>
      andThen(routePod(options, admission, cancellation), (route) =>
        conclude(options, admission, { route, isLate: cancellation.isCancelled }),
      ),
    explain: (query, signal) => explainImage(options, query, cancellationOf(signal)),
    explainPod: (admission, signal) => explainPod(options, admission, cancellationOf(signal)),
  };
}

/** Carries out what came of a Pod, and tells of it. */
function conclude(
  options: RouterOptions,
  admission: PodAdmission,
  { route, isLate }: { readonly route: PodRoute; readonly isLate: boolean },
): PodAnswer {
  const { log, metrics } = options;
  for (const { status } of route.asked.flatMap(({ answers }) => answers)) {
    if (status !== 'NotAsked') metrics.probe(status);
  }
  // What is known by then came too late to be acted upon: half of it may be missing.
  if (isLate) return unchanged('the time for the review was over');
  const { decisions, pullSecrets, unparsable } = route;
  const patch = buildPatch(admission.pod, decisions, { pullSecretsToAdd: pullSecrets });
  const checked = checkPatch(admission.pod, patch);
  if (!checked.ok) {
    metrics.webhookError('patch');
    const review = describe(admission);
    log.error(
      { review, patch, problem: checked.error },
      'a patch failed its check and was dropped',
    );
    return unchanged(`its patch was dropped: ${checked.error.message}`);
  }
  for (const decision of decisions) {
    metrics.routingDecision(countedAs(decision));
    tell(log, admission, { decision, isUnparsable: unparsable.includes(decision) });
  }
  const failed = decisions.filter(({ reason }) => reason === 'NothingAvailable');
  if (failed.length > 0 && !admission.dryRun) options.nothingAvailable?.(admission, failed);
  return { patch, warnings: warningsOf(route), decisions };
}

function unchanged(why: string): PodAnswer {
  return { patch: [], warnings: [`kuik: the Pod stays as it came: ${why}`], decisions: [] };
}

function warningsOf({ decisions, warnings }: PodRoute): readonly string[] {
  const own = warnings.map((warning) => `kuik: ${warning}`);
  return [...new Set([...decisions.flatMap((one) => decisionWarning(one) ?? []), ...own])];
}

/** As the annotation has it where something was rewritten; what was left alone is one. */
function countedAs(decision: RouteDecision): string {
  if (isRewritten(decision) || decision.reason === 'NothingAvailable') return decision.reason;
  return 'Unchanged';
}

/** One line a decision, with the value that everybody else shows, too. */
function tell(
  log: Log,
  admission: PodAdmission,
  { decision, isUnparsable }: { readonly decision: RouteDecision; readonly isUnparsable: boolean },
): void {
  const level = levelOf(decision, isUnparsable);
  // Most decisions change nothing: their lines are not even put together.
  if (!log.isLevelEnabled(level)) return;
  log[level]({ review: describe(admission), decision }, 'an image was decided on');
}

function levelOf(decision: RouteDecision, isUnparsable: boolean): 'debug' | 'info' | 'warn' {
  if (isUnparsable || decision.reason === 'NothingAvailable') return 'warn';
  return isRewritten(decision) ? 'info' : 'debug';
}

function describe({ uid, namespace, pod, dryRun }: PodAdmission): object {
  const { name, generateName } = pod.metadata ?? {};
  return { uid, namespace, pod: name ?? generateName ?? '', dryRun };
}
