import type { ActorRefFrom } from 'xstate';
import { type RoundOutcome, reconcileLogic } from '#actors/reconcile.ts';
import type { Registries } from '#actors/registries/registries.ts';
import type { Runtime } from '#actors/runtime.ts';
import { type SupervisorLogic, supervise } from '#actors/supervisor.ts';
import type { KuikSystem } from '#actors/system.ts';
import { judgeLook, type LookFinding, nextLookMs } from '#core/mirroring/copy-look.ts';
import type { LookOutcome } from '#machines/mirrored-image.ts';
import type { CopyLook, ImageCopier } from '#oci/copy.ts';
import type { MirrorCredentials } from './mirror-credentials.ts';
import type { MirroredCopies } from './mirrored-copies.ts';
import type { MirroredCopy } from './mirrored-copy.ts';
import { tellRegistry } from './tell-registry.ts';

/** What copies are looked at with. */
export interface CopyLooksOptions {
  readonly copier: Pick<ImageCopier, 'look'>;
  readonly registries: Pick<Registries, 'reachability' | 'tell' | 'quotaOf'>;
  readonly credentials: MirrorCredentials;
  readonly copies: Pick<MirroredCopies, 'all'>;
  readonly find: KuikSystem['find'];
  /** Looks at once on one mirror. */
  readonly concurrency: number;
  /** Told when all that was mirrored before is there again; returns how to stop. */
  readonly onRestored: (listener: () => void) => () => void;
}

/** The supervisor of those who look after the copies of one mirror each. */
export type CopyLooksLogic = SupervisorLogic<ReturnType<typeof reconcileLogic>>;

/** That supervisor's id. */
export const copyLooksId = 'copy-looks';

/** Names one of them, `reconcile:copy-looks/<target>`. */
const keyPrefix = 'copy-looks/';
/** Statuses are restored image by image. */
const settleMs = 1_000;
/** After so long the copies are looked through again for those that are due: there are always some. */
const roundEveryMs = 60_000;
/** A mirror whose circuit is open is looked at again when that may have closed. */
const suspectedMs = 5_000;

/** Looks after copies: each is asked for at the start of a term, and once an hour (behaviour §5). */
export class CopyLooks {
  readonly #runtime: Runtime;
  readonly #options: CopyLooksOptions;

  constructor(runtime: Runtime, options: CopyLooksOptions) {
    this.#runtime = runtime;
    this.#options = options;
  }

  /** Standing work, one a mirror: goes round its copies that are due. */
  readonly logic = (): CopyLooksLogic =>
    supervise(this.#runtime, {
      type: 'reconcile',
      policy: 'object',
      logic: (key) =>
        reconcileLogic(this.#runtime, {
          ...{ settleMs, watch: this.#options.onRestored },
          work: (_, signal) => this.#goRound(key.slice(keyPrefix.length), signal),
        }),
    });

  /** Has the copies of a mirror looked after from now on. */
  readonly add = (target: string): void =>
    this.#supervisor()?.send({ type: 'child.add', key: `${keyPrefix}${target}`, input: undefined });

  readonly remove = (target: string): void =>
    this.#supervisor()?.send({ type: 'child.remove', key: `${keyPrefix}${target}` });

  /** The effect of a copy's actor: asks its mirror, as one of its resources may. */
  readonly run = async (copy: MirroredCopy, signal: AbortSignal): Promise<LookOutcome> => {
    const { copier, credentials, registries } = this.#options;
    const [first] = copy.demands;
    if (first === undefined) return { kind: 'unknown' };
    const [resource, { place, use }] = first;
    const push = await credentials.toPush(resource, place, signal);
    const target = place.reference;
    const { digest } = copy.known;
    const asked = {
      ...{ target, credentials: push.credentials },
      ...(digest !== undefined && { digest }),
      ...(use !== undefined && { share: use.namespace }),
    };
    const look = await copier.look(asked, signal);
    if (signal.aborted) return { kind: 'unknown' };
    const end = { registry: target.registry, credentials: push.credentials };
    tellRegistry(registries, { target: end }, look);
    if (look.kind !== 'failed') credentials.accept(resource, place, push);
    if (judgeLook(copy.known, findingOf(look)) === 'lost') {
      return { kind: 'lost', message: lostMessage(copy, look) };
    }
    return { kind: look.kind === 'there' ? 'present' : 'unknown' };
  };

  #supervisor(): ActorRefFrom<CopyLooksLogic> | undefined {
    return this.#options.find<CopyLooksLogic>(copyLooksId);
  }

  async #goRound(target: string, signal: AbortSignal): Promise<RoundOutcome> {
    const areAllSeen = await this.#lookAtAll(this.#dueOf(target), signal);
    return { kind: 'done', dueInMs: areAllSeen ? roundEveryMs : suspectedMs };
  }

  #dueOf(target: string): readonly MirroredCopy[] {
    const nowMs = this.#runtime.clock.now();
    return [...this.#options.copies.all()].filter((copy) => {
      if (copy.target !== target || copy.state === 'Checking') return false;
      const next = nextLookMs(copy.told(false), copy.lookedAtMs);
      return next !== undefined && next <= nowMs;
    });
  }

  /** So many at once, and none while the circuit is open; answers whether all were seen. */
  async #lookAtAll(copies: readonly MirroredCopy[], signal: AbortSignal): Promise<boolean> {
    const { concurrency, registries } = this.#options;
    const left = copies.values();
    const look = async (): Promise<boolean> => {
      for (const copy of left) {
        if (signal.aborted) return true;
        const { registry } = copy.place.reference;
        if (registries.reachability(registry) !== 'Closed') return false;
        await copy.lookAt();
      }
      return true;
    };
    const lanes = Array.from({ length: concurrency }, look);
    return (await Promise.all(lanes)).every(Boolean);
  }
}

function findingOf(look: CopyLook): LookFinding {
  switch (look.kind) {
    case 'there':
      return { kind: 'there', digest: look.digest, lacksChildren: false };
    case 'changed':
      return { kind: 'there', digest: look.digest, lacksChildren: false };
    case 'gone':
      return { kind: 'missing' };
    case 'failed':
      return { kind: 'inconclusive' };
  }
}

function lostMessage({ known: { copy, digest } }: MirroredCopy, look: CopyLook): string {
  if (look.kind === 'changed') return `${copy}: expected ${digest}, got ${look.digest}`;
  return `${copy}: it is not there any more, or a part of it`;
}
