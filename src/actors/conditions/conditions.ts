import type { EventRecorder } from '#actors/event-recorder.ts';
import type { RoutingTableKeeper } from '#actors/keep-routing-table.ts';
import { type RoundOutcome, reconcileLogic } from '#actors/reconcile.ts';
import type { Runtime } from '#actors/runtime.ts';
import type { KuikSystem } from '#actors/system.ts';
import type { Condition } from '#api/condition.ts';
import {
  apiGroup,
  apiVersionName,
  type KuikKind,
  type KuikResource,
  pluralOf,
  resourceName,
} from '#api/kinds.ts';
import {
  type ExtraCondition,
  nextConditions,
  type ReadyState,
  worstState,
} from '#core/ready-condition.ts';
import { readyMessage } from '#core/ready-message.ts';
import { formatTime } from '#core/rfc3339.ts';
import type { RoutingTable } from '#core/routing/table.ts';
import { applyObject, mergeObject } from '#kube/apply.ts';
import type { ApiFailure, KubeClient } from '#kube/client.ts';
import { hasCode, retryAfterMs } from '#kube/failures.ts';
import type { Store } from '#kube/store.ts';
import type { WorkInput } from '#machines/reconcile.ts';

/**
 * Keeps `status.conditions` and `status.imageCount` of the five kinds right while this process leads: from the whole state,
 * only what changed, one resource after the other.
 */
export function addConditions(system: KuikSystem, options: ConditionsOptions): Conditions {
  const contributors: ConditionContributor[] = [];
  const { work } = new ConditionWriter(system.runtime, options, contributors);
  const watch = (changed: () => void) => {
    const unsubscribes = [options.table, ...contributors].map((one) => one.subscribe(changed));
    return () => {
      for (const unsubscribe of unsubscribes) unsubscribe();
    };
  };
  system.whileLeading({
    id: 'reconcile:conditions',
    logic: reconcileLogic(system.runtime, { settleMs: 0, paceMs: writeEveryMs, watch, work }),
  });
  return { contribute: (contributor) => void contributors.push(contributor) };
}

/** What is said of resources, to which features add what they know. */
export interface Conditions {
  /** Before the system starts. */
  readonly contribute: (contributor: ConditionContributor) => void;
}

/** Knows more of a resource than its spec says; the worst state of all is the one that is written. */
export interface ConditionContributor {
  readonly statesOf: (resource: KuikResource) => readonly ReadyState[];
  /** What a resource does when nothing is wrong with it; the first who answers is taken. */
  readonly readyMessage?: (resource: KuikResource) => string | undefined;
  /** What `status.imageCount` has to say of a resource; the first who answers is taken. */
  readonly imageCountOf?: (resource: KuikResource) => number | undefined;
  /** What is to be said beside `Ready`. */
  readonly conditionsOf?: (resource: KuikResource) => readonly ExtraCondition[];
  /** Whether it writes `status.imageCount` itself, with what it lists. */
  readonly listsImages?: (resource: KuikResource) => boolean;
  /** Until this is true nothing is written: a new leader must not take back what holds. */
  readonly isKnown?: (resource: KuikResource) => boolean;
  /** Calls when something changed; returns how to stop that. */
  readonly subscribe: (listener: () => void) => () => void;
}

/** What conditions are made from and written with. */
export interface ConditionsOptions {
  readonly client: Pick<KubeClient, 'call'>;
  readonly stores: ReadonlyMap<KuikKind, Store<KuikResource>>;
  readonly table: Pick<RoutingTableKeeper, 'current' | 'subscribe'>;
  readonly events: Pick<EventRecorder, 'record'>;
}

const fieldManager = 'kuik-conditions';
/** Behaviour §6: a status is written no more often than this. */
const writeEveryMs = 1_000;
/** What failed is looked at again after this; a change in between comes first. */
const retryMs = 15_000;
/** The API server's Retry-After is kept to, up to this. */
const retryAfterMsMax = 60_000;
const callTimeoutMs = 10_000;

/** Goes over all resources, one round after the other. */
class ConditionWriter {
  readonly #runtime: Runtime;
  readonly #options: ConditionsOptions;
  readonly #contributors: readonly ConditionContributor[];
  /** After whom the last round was given up: the next one begins with the others. */
  #after = 0;

  constructor(
    runtime: Runtime,
    options: ConditionsOptions,
    contributors: readonly ConditionContributor[],
  ) {
    this.#runtime = runtime;
    this.#options = options;
    this.#contributors = contributors;
  }

  readonly work = async (_: WorkInput, signal: AbortSignal): Promise<RoundOutcome> => {
    const table = this.#options.table.current();
    const resources = this.#resources();
    const first = this.#after;
    this.#after = 0;
    let failed: ApiFailure | undefined;
    const inTurn = [...resources.slice(first), ...resources.slice(0, first)];
    for (const [index, resource] of inTurn.entries()) {
      if (signal.aborted) break;
      const failure = await this.#settle(resource, table, signal);
      failed ??= failure;
      if (failure === undefined || !isServerTrouble(failure)) continue;
      // The others would meet the same, and add to it.
      this.#after = (first + index + 1) % resources.length;
      return failedRound(failure, retryAfterMs(failure, retryAfterMsMax));
    }
    return failed === undefined ? { kind: 'done' } : failedRound(failed);
  };

  #resources(): readonly KuikResource[] {
    return [...this.#options.stores.values()]
      .filter((store) => store.isSynced())
      .flatMap((store) => [...store.values()])
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .filter((resource) => this.#contributors.every(({ isKnown }) => isKnown?.(resource) ?? true));
  }

  /** Writes one resource's conditions if they say something else; answers with what failed. */
  async #settle(
    resource: KuikResource,
    table: RoutingTable,
    signal: AbortSignal,
  ): Promise<ApiFailure | undefined> {
    const { now, log } = this.#runtime;
    const state = this.#stateOf(resource, table);
    const before = resource.status?.conditions;
    const conditions = nextConditions(state, before, {
      generation: resource.metadata.generation ?? 0,
      now: formatTime(now()),
      extra: this.#contributors.flatMap((one) => one.conditionsOf?.(resource) ?? []),
    });
    const imageCount = this.#imageCountOf(resource);
    if (conditions === undefined && imageCount === resource.status?.imageCount) return undefined;
    const status = {
      conditions: conditions ?? before,
      ...(!this.#listsImages(resource) && { imageCount }),
    };
    const written = await this.#write(resource, status, signal);
    if (written.ok) {
      this.#tell(resource, state, before);
      return undefined;
    }
    // An event needs nothing of the object: an old one may not even take a status.
    if (resource.faults !== undefined) this.#tell(resource, state, before);
    // Gone in the meantime: its next appearance is a change of its own.
    if (hasCode(written.error, 404)) return undefined;
    const failure = written.error;
    log.warn({ resource: resourceName(resource), failure }, 'a condition could not be written');
    return failure;
  }

  #stateOf(resource: KuikResource, table: RoutingTable): ReadyState {
    const states = [
      ...problemsOf(resource, table),
      ...this.#contributors.flatMap((contributor) => contributor.statesOf(resource)),
    ];
    const messages = this.#contributors.map((one) => one.readyMessage?.(resource));
    const message = messages.find((text) => text);
    return worstState(states, message ?? readyMessage(resource));
  }

  /** As it is written until somebody knows better: what an apply leaves out is taken away. */
  #imageCountOf(resource: KuikResource): number | undefined {
    if (this.#listsImages(resource)) return resource.status?.imageCount;
    const counts = this.#contributors.map((one) => one.imageCountOf?.(resource));
    return counts.find((count) => count !== undefined) ?? resource.status?.imageCount;
  }

  #listsImages(resource: KuikResource): boolean {
    return isMonitor(resource) || this.#contributors.some((one) => one.listsImages?.(resource));
  }

  #write(resource: KuikResource, status: object, signal: AbortSignal) {
    const { apiVersion, kind, metadata } = resource;
    const { name, namespace, uid } = metadata;
    const plural = pluralOf(kind);
    const place = {
      ...{ group: apiGroup, version: apiVersionName, plural, name, subresource: 'status' },
      ...(namespace !== undefined && { namespace }),
    };
    const object = { apiVersion, kind, metadata: { name, namespace, uid }, status };
    const write = resource.faults === undefined ? applyObject<unknown> : mergeObject<unknown>;
    return write(
      this.#options.client,
      { place, object, options: { fieldManager } },
      AbortSignal.any([signal, AbortSignal.timeout(callTimeoutMs)]),
    );
  }

  /** An event for what changes state; a resource that is right from the start needs none. */
  #tell(resource: KuikResource, state: ReadyState, before: readonly Condition[] | undefined): void {
    const last = before?.find(({ type }) => type === 'Ready')?.reason;
    if (last === state.reason || (last === undefined && state.reason === 'Ready')) return;
    this.#tellInvalid(resource, state, last);
    const { apiVersion, kind, metadata } = resource;
    const { name, namespace, uid } = metadata;
    this.#options.events.record({
      regarding: {
        ...{ apiVersion, kind, name },
        ...(namespace !== undefined && { namespace }),
        ...(uid !== undefined && { uid }),
      },
      type: state.reason === 'Ready' ? 'Normal' : 'Warning',
      reason: state.reason,
      action: 'Check',
      note: state.message,
    });
  }

  /** What is left out changes what Pods get: whoever reads the log must see it. */
  #tellInvalid(resource: KuikResource, state: ReadyState, last: string | undefined): void {
    const log = this.#runtime.log.child({ resource: resourceName(resource) });
    const isInvalid = state.reason === 'InvalidSpec';
    if (isInvalid) log.warn({ reason: state.message }, 'a resource is invalid; it is left out');
    else if (last === 'InvalidSpec') log.info('a resource is valid again');
  }
}

/** What a ClusterImageSetAvailability counts is written with what it lists. */
function isMonitor({ kind }: KuikResource): boolean {
  return kind === 'ClusterImageSetAvailability';
}

function failedRound({ message }: ApiFailure, quietMs = 0): RoundOutcome {
  return { kind: 'failed', message, retryInMs: Math.max(retryMs, quietMs), quietMs };
}

/** Not about this one resource, as most answers are: the server throttles, or does not answer. */
function isServerTrouble(failure: ApiFailure): boolean {
  return failure.kind !== 'status' || failure.code === 429 || failure.code === 503;
}

function problemsOf(resource: KuikResource, table: RoutingTable): readonly ReadyState[] {
  const { kind, metadata } = resource;
  return table.problems
    .filter(
      ({ resource: about }) =>
        about.kind === kind &&
        about.name === metadata.name &&
        about.namespace === metadata.namespace,
    )
    .map(({ reason, field, message }) => ({ reason, message: `${field}: ${message}` }));
}
