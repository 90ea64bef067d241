import type { RoutingTableKeeper } from '#actors/keep-routing-table.ts';
import { Limiter } from '#actors/limiter.ts';
import { type RoundOutcome, reconcileLogic } from '#actors/reconcile.ts';
import type { Runtime } from '#actors/runtime.ts';
import type { WatchedResources } from '#actors/watch-resources.ts';
import { type KnownCopy, planSecretCopies } from '#core/routing/secret-copies.ts';
import { secretNameText } from '#core/secret.ts';
import { deleteObject } from '#kube/apply.ts';
import type { KubeClient } from '#kube/client.ts';
import { hasCode } from '#kube/failures.ts';
import type { SlimPod } from '#kube/slim-pod.ts';
import type { Store } from '#kube/store.ts';
import { CopyNamespaces } from './copy-namespaces.ts';
import { type LentSecret, lentSecrets } from './lent-secrets.ts';
import { listSecretCopies } from './list-secret-copies.ts';
import { type PlacedCopy, secretPlace } from './read-secret.ts';
import { makeSecretCopy, secretCopyHash } from './secret-copy.ts';
import { type SecretPlacer, writeSecretCopy } from './secret-placer.ts';
import { SecretRights } from './secret-rights.ts';
import type { SecretSources } from './secret-sources.ts';

/**
 * Keeps copied Secrets right while this process leads (behaviour §3.9): from the whole state, which
 * is listed at first and each minute; a new leader counts the ten minutes of each copy anew.
 */
export function secretCopiesLogic(runtime: Runtime, options: SecretCopiesOptions) {
  const { work, watch } = new CopyKeeper(runtime, options);
  return reconcileLogic(runtime, { work, watch, settleMs: 0, paceMs });
}

/** What copies are kept with. */
export interface SecretCopiesOptions {
  readonly client: Pick<KubeClient, 'call'>;
  readonly table: Pick<RoutingTableKeeper, 'current' | 'subscribe'>;
  readonly resources: Pick<WatchedResources, 'kuik' | 'pods'>;
  readonly sources: Pick<SecretSources, 'find' | 'subscribe'>;
  /** Tells of copies that this process has just promised to a Pod. */
  readonly placer: Pick<SecretPlacer, 'subscribe'>;
}

/** A copy as it was found or made. */
interface Copy extends KnownCopy, PlacedCopy {}

/** Copies that other replicas placed are known after this at the latest. */
const listEveryMs = 60_000;
/** A rotated Secret reaches its copies within seconds, a burst of changes costs one round. */
const paceMs = 1_000;
const retryMs = 15_000;
const callTimeoutMs = 10_000;
/** Copies written at once: the API server's fairness is shared with admissions and watches. */
const writesMax = 8;
/** As many as are listed; what is beyond is left to the next round. */
const waitingMax = 50_000;
/** At the end of the name of a copy. */
const hashDigits = 16;
/** How the names of copies begin; others are not even looked for. */
const copyPrefix = 'kuik-';

class CopyKeeper {
  readonly #runtime: Runtime;
  readonly #options: SecretCopiesOptions;
  /** What has to be known whole before anything is decided. */
  readonly #stores: readonly Pick<Store<unknown>, 'isSynced' | 'synced'>[];
  readonly #limiter: Limiter;
  readonly #rights: SecretRights;
  readonly #namespaces: CopyNamespaces;
  #copies = new Map<string, Copy>();
  #listedMs = Number.NEGATIVE_INFINITY;

  constructor(runtime: Runtime, options: SecretCopiesOptions) {
    this.#runtime = runtime;
    this.#options = options;
    const { pods, kuik } = options.resources;
    this.#stores = [pods, ...kuik.values()];
    this.#limiter = new Limiter(runtime, { concurrency: writesMax, waitingMax });
    this.#rights = new SecretRights(runtime);
    this.#namespaces = new CopyNamespaces(options);
  }

  readonly watch = (changed: () => void): (() => void) => {
    const { table, sources, placer, resources } = this.#options;
    this.#copies = new Map();
    this.#listedMs = Number.NEGATIVE_INFINITY;
    this.#namespaces.learn();
    // The first round comes by itself, and finds out what is known by then.
    const unread = this.#stores.filter((store) => !store.isSynced());
    for (const { synced } of unread) void synced.then(changed);
    const unsubscribes = [
      table.subscribe(() => {
        this.#namespaces.learn();
        changed();
      }),
      sources.subscribe(changed),
      placer.subscribe(this.#promise),
      resources.pods.subscribe(({ kind, value }) => {
        if (kind === 'added' && this.#misses(value)) changed();
      }),
    ];
    return () => {
      for (const unsubscribe of unsubscribes) unsubscribe();
    };
  };

  readonly work = async (_input: unknown, signal: AbortSignal): Promise<RoundOutcome> => {
    const { table, sources } = this.#options;
    const { clock } = this.#runtime;
    // Until table and Pods are what the cluster has, copies would look as if nobody needed them.
    if (!this.#stores.every((store) => store.isSynced())) return { kind: 'done', paceMs: 0 };
    if (!(await this.#list(signal))) return failed('copied Secrets were not listed');
    const { entries } = table.current();
    const lent = await lentSecrets(table.current(), sources.find);
    const owners = [...entries.values()].flatMap(({ resource }) => resource.metadata.uid ?? []);
    const fitting = await this.#fittingEnds(lent, new Set(owners));
    // From here to the plan nothing is waited for: what is promised meanwhile must not get lost.
    const plan = planSecretCopies({
      sources: lent,
      copies: [...this.#copies.values()],
      owners: new Set(owners),
      needs: this.#needs(),
      isOurs: ({ ownerUid, name }) => fitting.has(`${ownerUid} ${name.slice(-hashDigits)}`),
      nowMs: clock.now(),
    });
    for (const copy of plan.copies) this.#copies.set(secretNameText(copy), copy);
    const deletions = plan.deletions.filter(({ copy }) => this.#mayWrite(copy));
    const writes = plan.writes.filter(this.#mayWrite);
    const deleted = await this.#each(deletions, (one) => this.#delete(one, signal), signal);
    const written = await this.#each(writes, (one) => this.#write(one, signal), signal);
    if (!deleted || !written) return failed('not all copied Secrets are as they should be');
    const { nextMs = Number.POSITIVE_INFINITY } = plan;
    return { kind: 'done', dueInMs: Math.min(nextMs, this.#listedMs + listEveryMs) - clock.now() };
  };

  /**
   * What the names of copies end with that nobody declares any more, by their owners: their sources
   * were in a namespace that is known here, or they are left to their owner's end.
   */
  async #fittingEnds(
    lent: readonly LentSecret[],
    owners: ReadonlySet<string>,
  ): Promise<ReadonlySet<string>> {
    const declared = new Set(lent.map(({ ownerUid, copyName }) => `${ownerUid} ${copyName}`));
    const undeclared = [...this.#copies.values()].filter(
      ({ ownerUid, name }) => owners.has(ownerUid) && !declared.has(`${ownerUid} ${name}`),
    );
    const ends = new Set<string>();
    if (undeclared.length === 0) return ends;
    const namespaces = this.#namespaces.known();
    for (const ownerUid of new Set(undeclared.map((copy) => copy.ownerUid))) {
      for (const namespace of namespaces) {
        ends.add(`${ownerUid} ${await secretCopyHash(namespace, ownerUid)}`);
      }
    }
    return ends;
  }

  /** A Pod that is not stored yet will name this copy: its ten minutes begin now. */
  readonly #promise = (placed: PlacedCopy): void => {
    const key = secretNameText(placed);
    const known = this.#copies.get(key);
    const nowMs = this.#runtime.clock.now();
    const copy = isSame(known, placed) ? known : placed;
    this.#copies.set(key, { ...copy, unneededSinceMs: nowMs });
  };

  /** Whether a Pod names a copy that is not known here: another replica's, or one that is gone. */
  readonly #misses = ({ namespace, pullSecrets }: SlimPod): boolean =>
    pullSecrets.some(
      (name) => name.startsWith(copyPrefix) && !this.#copies.has(`${namespace}/${name}`),
    );

  /** Takes in what is there; a list that is not due costs nothing. */
  async #list(signal: AbortSignal): Promise<boolean> {
    const { client } = this.#options;
    const { clock, log } = this.#runtime;
    const startedMs = clock.now();
    if (startedMs - this.#listedMs < listEveryMs) return true;
    const before = new Map(this.#copies);
    // Also where the Pods are gone whose copies are to go.
    const namespaces = () => {
      const copies = [...this.#copies.values()].map(({ namespace }) => namespace);
      return this.#namespaces.known().union(new Set(copies));
    };
    const listing = { client, rights: this.#rights, namespaces };
    const listed = await listSecretCopies(listing, bounded(signal));
    if (!listed.ok) {
      if (!signal.aborted) log.warn({ failure: listed.error }, 'copied Secrets were not listed');
      return false;
    }
    this.#listedMs = startedMs;
    const found = new Map(listed.value.map((copy) => [secretNameText(copy), copy]));
    for (const [key, copy] of this.#copies) {
      // What came while the list was made may not be in it.
      if (before.get(key) === copy && !found.has(key)) this.#copies.delete(key);
    }
    // Somebody wrote to these: what they hold is to be compared again.
    const changed = [...found].filter(([key, copy]) => !isSame(this.#copies.get(key), copy));
    for (const [key, copy] of changed) this.#put(key, copy);
    return true;
  }

  /** Whatever is found out about it, the time in which nobody needs it goes on. */
  #put(key: string, copy: Copy): void {
    const sinceMs = this.#copies.get(key)?.unneededSinceMs;
    const since = sinceMs !== undefined && { unneededSinceMs: sinceMs };
    this.#copies.set(key, { ...copy, ...since });
  }

  #needs(): ReadonlySet<string> {
    const needs = new Set<string>();
    for (const { namespace, pullSecrets } of this.#options.resources.pods.values()) {
      for (const name of pullSecrets) {
        if (name.startsWith(copyPrefix)) needs.add(`${namespace}/${name}`);
      }
    }
    return needs;
  }

  readonly #mayWrite = ({ namespace }: { readonly namespace: string }): boolean =>
    !this.#rights.isRefused(namespace);

  async #delete(
    { copy, why }: { readonly copy: Copy; readonly why: string },
    signal: AbortSignal,
  ): Promise<boolean> {
    const { client } = this.#options;
    const { log } = this.#runtime;
    const key = secretNameText(copy);
    // Promised to a Pod in the meantime, or made anew.
    if (this.#copies.get(key) !== copy) return true;
    const which = { place: secretPlace(copy), uid: copy.uid };
    const deleted = await deleteObject(client, which, bounded(signal));
    if (!deleted.ok && !hasCode(deleted.error, 409)) {
      const { error: failure } = deleted;
      if (this.#rights.learn(copy.namespace, failure)) return true;
      if (!signal.aborted) log.warn({ copy: key, failure }, 'a copied Secret was not deleted');
      return false;
    }
    // A conflict is another object under that name: the next list finds it.
    this.#copies.delete(key);
    log.info({ copy: key, why }, 'a copied Secret was deleted');
    return true;
  }

  async #write(
    { namespace, source }: { readonly namespace: string; readonly source: LentSecret },
    signal: AbortSignal,
  ): Promise<boolean> {
    const { client } = this.#options;
    const { log } = this.#runtime;
    const { reduced, owner, copyName, content } = source;
    if (reduced === undefined || content === undefined) return true;
    const wanted = await makeSecretCopy(reduced, owner, namespace);
    const written = await writeSecretCopy(client, wanted, bounded(signal));
    const key = `${namespace}/${copyName}`;
    if (!written.ok) {
      const { message: problem, failure } = written.error;
      if (failure !== undefined && this.#rights.learn(namespace, failure)) return true;
      if (!signal.aborted) log.warn({ copy: key, problem }, 'a copied Secret was not written');
      return false;
    }
    this.#put(key, { ...written.value, content });
    log.debug({ copy: key }, 'a copied Secret is as its source');
    return true;
  }

  /** Does each, a few at once; whether all of them worked. */
  async #each<Item>(
    items: readonly Item[],
    run: (item: Item) => Promise<boolean>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const done = await Promise.all(
      items.map((item) => this.#limiter.run(() => run(item), { signal })),
    );
    return done.every((one) => one.kind === 'done' && one.value);
  }
}

function bounded(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(callTimeoutMs)]);
}

function failed(message: string): RoundOutcome {
  return { kind: 'failed', message, retryInMs: retryMs };
}

/** Whether nobody wrote to it since. */
function isSame(known: Copy | undefined, found: PlacedCopy): known is Copy {
  return known?.uid === found.uid && known.version === found.version;
}
