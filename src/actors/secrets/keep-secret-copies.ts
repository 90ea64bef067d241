import { fromCallback } from 'xstate';
import type { RoutingTableKeeper } from '#actors/keep-routing-table.ts';
import { createRounds, type RoundEnd } from '#actors/leader/rounds.ts';
import type { TimerHeap } from '#actors/timer-heap.ts';
import { type KnownCopy, planSecretCopies } from '#core/routing/secret-copies.ts';
import { deleteObject } from '#kube/apply.ts';
import type { KubeClient } from '#kube/client.ts';
import { hasCode } from '#kube/failures.ts';
import type { SlimPod } from '#kube/slim-pod.ts';
import type { Store } from '#kube/store.ts';
import type { Log } from '#telemetry/log.ts';
import { type LentSecret, lentSecrets } from './lent-secrets.ts';
import { listSecretCopies } from './list-secret-copies.ts';
import { type PlacedCopy, type SecretPlacer, writeSecretCopy } from './place-secret.ts';
import { makeSecretCopy } from './secret-copy.ts';
import type { SecretWatches } from './watch-secrets.ts';

/** What copies are kept with. */
export interface KeepSecretCopiesOptions {
  readonly client: Pick<KubeClient, 'call'>;
  readonly table: RoutingTableKeeper;
  /** Resolves when table and Pods are what the cluster has. */
  readonly synced: Promise<unknown>;
  readonly pods: Store<SlimPod>;
  readonly sources: Pick<SecretWatches, 'find' | 'subscribe'>;
  /** Copies that this process has just promised to a Pod. */
  readonly placed: Pick<SecretPlacer, 'subscribe'>;
  readonly clock: TimerHeap;
  readonly log: Log;
}

/** A copy as it was found or made. */
interface Copy extends KnownCopy, PlacedCopy {}

/** Copies that other replicas placed are known after this at the latest. */
const listEveryMs = 60_000;
/** A rotated Secret reaches its copies within seconds, a burst of changes costs one round. */
const roundEveryMs = 1_000;
const retryMs = 15_000;
const callTimeoutMs = 10_000;
/** Copies written at once: the API server's fairness is shared with admissions and watches. */
const writesMax = 8;
/** How the names of copies begin; others are not even looked for. */
const copyPrefix = 'kuik-';

/**
 * Keeps copied Secrets right while this process leads (behaviour §3.9): from the whole state, which
 * is listed at first and each minute; a new leader counts the ten minutes of each copy anew.
 */
export function secretCopiesLogic(options: KeepSecretCopiesOptions) {
  return fromCallback(() => {
    const { clock, log, table, sources, placed, pods } = options;
    const keeper = new CopyKeeper(options);
    const rounds = createRounds({
      ...{ clock, everyMs: roundEveryMs, retryMs, run: keeper.round },
      onBug: (error) => log.error({ err: error }, 'keeping copied Secrets failed'),
    });
    const unsubscribes = [
      table.subscribe(rounds.plan),
      sources.subscribe(rounds.plan),
      placed.subscribe(keeper.promise),
      pods.subscribe(({ kind, value }) => {
        if (kind === 'added' && keeper.misses(value)) rounds.plan();
      }),
    ];
    let stopped = false;
    void options.synced.then(() => {
      if (!stopped) rounds.plan();
    });
    return () => {
      stopped = true;
      for (const unsubscribe of unsubscribes) unsubscribe();
      rounds.stop();
    };
  });
}

class CopyKeeper {
  readonly #options: KeepSecretCopiesOptions;
  #copies = new Map<string, Copy>();
  #listedMs = Number.NEGATIVE_INFINITY;

  constructor(options: KeepSecretCopiesOptions) {
    this.#options = options;
  }

  /** A Pod that is not stored yet will name this copy: its ten minutes begin now. */
  readonly promise = (placed: PlacedCopy): void => {
    const key = keyOf(placed);
    const known = this.#copies.get(key);
    const same = known?.uid === placed.uid && known.version === placed.version;
    const nowMs = this.#options.clock.now();
    this.#copies.set(key, { ...(same ? known : placed), unneededSinceMs: nowMs });
  };

  /** Whether a Pod names a copy that is not known here: another replica's, or one that is gone. */
  readonly misses = ({ namespace, pullSecrets }: SlimPod): boolean =>
    pullSecrets.some(
      (name) => name.startsWith(copyPrefix) && !this.#copies.has(`${namespace}/${name}`),
    );

  readonly round = async (signal: AbortSignal): Promise<RoundEnd> => {
    const { synced, clock, table, sources } = this.#options;
    await synced;
    const listed = await this.#list(signal);
    if (signal.aborted || !listed) return { kind: 'failed' };
    const { entries } = table.current();
    const lent = await lentSecrets(table.current(), sources.find);
    const owners = [...entries.values()].flatMap(({ resource }) => resource.metadata.uid ?? []);
    // From here to the plan nothing is waited for: what is promised meanwhile must not get lost.
    const plan = planSecretCopies({
      sources: lent,
      copies: [...this.#copies.values()],
      owners: new Set(owners),
      needs: this.#needs(),
      nowMs: clock.now(),
    });
    for (const copy of plan.copies) this.#copies.set(keyOf(copy), copy);
    const deleted = await atOnce(plan.deletions, (one) => this.#delete(one, signal));
    const written = await atOnce(plan.writes, (one) => this.#write(one, signal));
    if (![...deleted, ...written].every(Boolean)) return { kind: 'failed' };
    const dueInMs = (plan.nextMs ?? Number.POSITIVE_INFINITY) - clock.now();
    return { kind: 'done', nextInMs: Math.min(dueInMs, listEveryMs) };
  };

  /** Takes in what is there; a list that is not due costs nothing. */
  async #list(signal: AbortSignal): Promise<boolean> {
    const { client, clock, log } = this.#options;
    const startedMs = clock.now();
    if (startedMs - this.#listedMs < listEveryMs) return true;
    const before = new Map(this.#copies);
    const listed = await listSecretCopies(client, bounded(signal));
    if (!listed.ok) {
      if (!signal.aborted) log.warn({ failure: listed.error }, 'copied Secrets were not listed');
      return false;
    }
    this.#listedMs = startedMs;
    const found = new Map(listed.value.map((copy) => [keyOf(copy), copy]));
    for (const [key, copy] of this.#copies) {
      // What came while the list was made may not be in it.
      if (before.get(key) === copy && !found.has(key)) this.#copies.delete(key);
    }
    for (const [key, copy] of found) this.#take(key, copy);
    return true;
  }

  #take(key: string, listed: PlacedCopy): void {
    const known = this.#copies.get(key);
    if (known?.uid === listed.uid && known.version === listed.version) return;
    // Somebody wrote to it: what it holds is to be compared again.
    const sinceMs = known?.unneededSinceMs;
    this.#copies.set(key, {
      ...listed,
      ...(sinceMs !== undefined && { unneededSinceMs: sinceMs }),
    });
  }

  #needs(): ReadonlySet<string> {
    const needs = new Set<string>();
    for (const { namespace, pullSecrets } of this.#options.pods.values()) {
      for (const name of pullSecrets) {
        if (name.startsWith(copyPrefix)) needs.add(`${namespace}/${name}`);
      }
    }
    return needs;
  }

  async #delete(
    { copy, why }: { readonly copy: Copy; readonly why: string },
    signal: AbortSignal,
  ): Promise<boolean> {
    const { client, log } = this.#options;
    const { namespace, name, uid } = copy;
    // Promised to a Pod in the meantime, or made anew.
    if (this.#copies.get(keyOf(copy)) !== copy) return true;
    const place = { group: '', version: 'v1', plural: 'secrets', namespace, name };
    const deleted = await deleteObject(client, { place, uid }, bounded(signal));
    if (!deleted.ok && !hasCode(deleted.error, 409)) {
      if (!signal.aborted) {
        log.warn({ copy: keyOf(copy), failure: deleted.error }, 'a copied Secret was not deleted');
      }
      return false;
    }
    // A conflict is another object under that name: the next list finds it.
    this.#copies.delete(keyOf(copy));
    log.info({ copy: keyOf(copy), why }, 'a copied Secret was deleted');
    return true;
  }

  async #write(
    { namespace, source }: { readonly namespace: string; readonly source: LentSecret },
    signal: AbortSignal,
  ): Promise<boolean> {
    const { client, log } = this.#options;
    const { reduced, owner, copyName, content } = source;
    if (reduced === undefined || content === undefined) return true;
    const wanted = await makeSecretCopy(reduced, owner, namespace);
    const written = await writeSecretCopy(client, wanted, bounded(signal));
    const key = `${namespace}/${copyName}`;
    if (!written.ok) {
      if (!signal.aborted) {
        log.warn({ copy: key, problem: written.error.message }, 'a copied Secret was not written');
      }
      return false;
    }
    const sinceMs = this.#copies.get(key)?.unneededSinceMs;
    this.#copies.set(key, {
      ...{ ...written.value, content },
      ...(sinceMs !== undefined && { unneededSinceMs: sinceMs }),
    });
    log.debug({ copy: key }, 'a copied Secret is as its source');
    return true;
  }
}

function keyOf({ namespace, name }: { readonly namespace: string; readonly name: string }) {
  return `${namespace}/${name}`;
}

function bounded(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(callTimeoutMs)]);
}

/** Does each, a few at once; the answers say which of them worked. */
async function atOnce<Item>(
  items: readonly Item[],
  run: (item: Item) => Promise<boolean>,
): Promise<readonly boolean[]> {
  const queue = [...items];
  const done: boolean[] = [];
  const work = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      done.push(await run(item));
    }
  };
  await Promise.all(Array.from({ length: writesMax }, work));
  return done;
}
