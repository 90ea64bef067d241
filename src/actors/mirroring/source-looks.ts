import { forEachSlice } from '#actors/for-each-slice.ts';
import { type RoundOutcome, reconcileLogic } from '#actors/reconcile.ts';
import type { RunTurn, Turn } from '#actors/registries/check-turns.ts';
import type { ProbeReport, Registries } from '#actors/registries/registries.ts';
import type { Runtime } from '#actors/runtime.ts';
import { copySources } from '#core/mirroring/copy-sources.ts';
import type { MirroredImages } from '#core/mirroring/mirrored-image.ts';
import { toMonotonicMs } from '#core/monitoring/stored-time.ts';
import type { RoutingTable } from '#core/routing/table.ts';
import type { MirrorCredentials } from './mirror-credentials.ts';
import type { MirrorEntry, ResourceMirror } from './resource-mirror.ts';

/** What sources are looked at with. */
export interface SourceLooksOptions {
  readonly registries: Pick<Registries, 'probe' | 'turns'>;
  readonly credentials: MirrorCredentials;
  readonly table: { readonly current: () => RoutingTable };
  /** Those whose images are all there again. */
  readonly mirrors: () => Iterable<ResourceMirror>;
  readonly images: Pick<MirroredImages, 'subscribe'>;
  readonly changed: (resource: string) => void;
}

/** A tag, for all resources that would read it with the same Secrets. */
interface SourceTag {
  readonly registry: string;
  readonly image: string;
  readonly resources: Set<string>;
}

/** Keys of checks begin with an image, and no image with this. */
const keyPrefix = ' source ';
/** A source has so long to answer; one that hangs holds up its own turns only. */
const timeoutMs = 10_000;
/** Which tags there are is found out at leisure: they are looked at hours apart. */
const settleMs = 1_000;
const paceMs = 10_000;

/**
 * Looks where the tags of sources lead by now, each in its turn in the slots of its registry's pacer,
 * so that one that moved is seen (condition `SourceChanged`).
 */
export class SourceLooks {
  readonly #runtime: Runtime;
  readonly #options: SourceLooksOptions;
  #tags = new Map<string, SourceTag>();
  /** Aborts with the term. */
  #life = new AbortController();

  constructor(runtime: Runtime, options: SourceLooksOptions) {
    this.#runtime = runtime;
    this.#options = options;
  }

  /** Standing work: puts in line what has been copied and is in use, and takes out what is not. */
  readonly logic = () =>
    reconcileLogic(this.#runtime, {
      ...{ settleMs, paceMs, work: (_, signal) => this.#line(signal) },
      watch: (changed) => {
        this.#life = new AbortController();
        const stops = [
          this.#options.images.subscribe(changed),
          this.#options.registries.turns.serve(keyPrefix, this.#run),
        ];
        return () => {
          for (const stop of stops) stop();
          this.#life.abort();
          this.#tags.clear();
        };
      },
    });

  async #line(signal: AbortSignal): Promise<RoundOutcome> {
    const { turns } = this.#options.registries;
    const tags = new Map<string, SourceTag>();
    for (const mirror of this.#options.mirrors()) {
      await forEachSlice(mirror.names(), { signal }, (slice) => {
        for (const image of slice) addTag(tags, mirror, mirror.get(image));
      });
    }
    if (signal.aborted) return { kind: 'done' };
    const before = this.#tags;
    this.#tags = tags;
    for (const [key, { registry }] of before) if (!tags.has(key)) turns.remove(registry, key);
    const { monotonicMs: checkedMs } = turns.clocks();
    for (const [key, { registry }] of tags) {
      // Behind what is monitored: nobody waits for it, and it was read a moment ago.
      if (!before.has(key)) turns.add(registry, key, { checkedMs });
    }
    return { kind: 'done' };
  }

  readonly #run: RunTurn = async (_, key, turn) => {
    const tag = this.#tags.get(key);
    const mirrors = [...this.#options.mirrors()].filter(({ resource }) =>
      tag?.resources.has(resource),
    );
    const [mirror] = mirrors;
    if (tag === undefined || mirror === undefined) return;
    const report = await this.#ask(tag, mirror, turn);
    const digest = report === undefined ? undefined : digestOf(report);
    if (digest === undefined) return;
    for (const { resource, get } of mirrors) {
      const entry = get(tag.image);
      if (entry === undefined || entry.presentSourceDigest === digest) continue;
      entry.presentSourceDigest = digest;
      this.#options.changed(resource);
    }
  };

  async #ask(
    { image }: SourceTag,
    mirror: ResourceMirror,
    turn: Turn,
  ): Promise<ProbeReport | undefined> {
    const { registries, credentials, table } = this.#options;
    const entry = mirror.get(image);
    const use = mirror.use(image);
    if (entry === undefined || use === undefined || mirror.compiled === undefined) return undefined;
    const question = { mirror: mirror.compiled, image: entry.reference, pod: use.pod };
    const [source] = copySources(table.current(), question);
    if (source === undefined) return undefined;
    const { signal } = this.#life;
    const read = await credentials.toRead(source, use, signal);
    turn.begin();
    const { reference } = source;
    const probe = { reference, method: 'HEAD', timeoutMs, resolveDigest: false } as const;
    const asked = { ...probe, credentials: read, share: use.namespace };
    const report = await registries.probe(asked, signal, { isCheck: true });
    this.#tell(turn, report);
    return report;
  }

  #tell(turn: Turn, report: ProbeReport): void {
    if (report.kind !== 'Answered') return;
    const { outcome } = report;
    if (outcome.kind !== 'QuotaExceeded') {
      turn.answered();
      return;
    }
    const { retryAtMs } = outcome;
    const clocks = this.#options.registries.turns.clocks();
    turn.quotaExceeded(retryAtMs === undefined ? undefined : toMonotonicMs(retryAtMs, clocks));
  }
}

/** One that has been copied, is in use and can move: a digest leads where it always did. */
function addTag(
  tags: Map<string, SourceTag>,
  { resource, use, compiled }: ResourceMirror,
  entry: MirrorEntry | undefined,
): void {
  const used = entry && use(entry.image);
  if (entry === undefined || used === undefined || entry.reference.digest !== undefined) return;
  if (![...entry.copies.values()].some(({ known }) => known.sourceDigest !== undefined)) return;
  const { image, reference } = entry;
  // What is declared for a source in one namespace is its own, as pull secrets are.
  const scope = compiled?.identity.namespace ?? '';
  const key = `${keyPrefix}${[image, scope, ...used.pullSecrets].join(' ')}`;
  const tag = tags.get(key) ?? { registry: reference.registry, image, resources: new Set() };
  tag.resources.add(resource);
  tags.set(key, tag);
}

function digestOf(report: ProbeReport): string | undefined {
  if (report.kind !== 'Answered' || report.outcome.kind !== 'Available') return undefined;
  return report.outcome.digest;
}
