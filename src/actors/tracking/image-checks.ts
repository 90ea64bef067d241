import type { ProbeAnswer, Registries, RegistryProbe } from '#actors/registries/registries.ts';
import type { SecretKey } from '#actors/secrets/secrets.ts';
import type { ImageReference } from '#core/image/reference.ts';
import type { Pacer } from '#core/monitoring/pace.ts';
import type { FinishedCheck } from '#core/monitoring/pace-view.ts';
import { toMonotonicMs } from '#core/monitoring/stored-time.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import type { CheckVerdict } from '#core/monitoring/verdict.ts';
import type { AvailabilityPacers } from './availability-pacers.ts';
import {
  askRegistry,
  type CheckManner,
  type CheckSecrets,
  gatherCredentials,
} from './check-image.ts';
import { type HeardProbe, HeardProbes } from './heard-probes.ts';
import { probeTells } from './probe-tells.ts';

/** The checks of one term: one for all resources that ask for an image with the same Secrets. */
export interface AvailabilityChecks {
  /** The resource tracks it from now on; what it is checked with may differ from before. */
  readonly join: (member: CheckMember, tracked: TrackedImage) => void;
  /** The resource tracks it no more. */
  readonly leave: (resource: string, image: string) => void;
  /** The check that is on its way for this member. */
  readonly result: (resource: string, image: string) => Promise<CheckVerdict>;
  /** What others learnt by asking a registry. */
  readonly see: (probe: RegistryProbe, answer: ProbeAnswer) => void;
  /** What is on its way has so long; then it is called off. */
  readonly drain: (withinMs: number) => Promise<void>;
  /** Calls off what is on its way. */
  readonly close: () => void;
}

/** One image of one resource, and with what it is checked. */
export interface CheckMember {
  readonly resource: string;
  readonly image: string;
  readonly reference: ImageReference;
  /** `namespace/name`, by the alphabet. */
  readonly pullSecrets: readonly string[];
  /** Its last Pod went before this process led: with which Secrets it was pulled nobody knows. */
  readonly hasUnknownSecrets: boolean;
}

/** What checks are made with, and whom they tell. */
export interface AvailabilityChecksOptions {
  readonly registries: Pick<Registries, 'probe'>;
  readonly secrets: CheckSecrets;
  readonly mannerOf: (registry: string) => CheckManner;
  readonly pacers: () => AvailabilityPacers;
  readonly pause: (delayMs: number) => Promise<void>;
  /** Its turn has come: the actor is to ask for `result`. */
  readonly tellDue: (resource: string, image: string) => void;
  readonly tellSeen: (resource: string, image: string, verdict: CheckVerdict) => void;
  /** Something about the images of a resource may have changed. */
  readonly tellChanged: (resource: string) => void;
  readonly onCheck: (check: FinishedCheck) => void;
  readonly onBug: (error: unknown) => void;
}

interface Item {
  readonly key: string;
  readonly image: string;
  readonly reference: ImageReference;
  readonly pullSecrets: readonly string[];
  readonly hasUnknownSecrets: boolean;
  /** Resources, each once; a list, since nearly always there is one. */
  members: readonly string[];
  /** The check that is on its way. */
  flight: Promise<CheckVerdict> | undefined;
  /** Calls that check off; made for each, since thousands that wait would hold one each. */
  abort: AbortController | undefined;
  /** The source of the credential that was let in last. */
  good: string | undefined;
  /** What it came to last: as true for who joins later. */
  known: CheckVerdict | undefined;
}

/** Makes them; nothing is checked before somebody joins and the pacers are opened. */
export function createAvailabilityChecks(options: AvailabilityChecksOptions): Checks {
  return new Checks(options);
}

/** The checks, and what their pacers run. */
export class Checks implements AvailabilityChecks {
  readonly #options: AvailabilityChecksOptions;
  readonly #items = new Map<string, Item>();
  /** Image → its items: one a set of Secrets. */
  readonly #byImage = new Map<string, readonly Item[]>();
  /** `resource/image` → the item it is a member of. */
  readonly #memberships = new Map<string, Item>();
  readonly #flying = new Set<Promise<unknown>>();
  readonly #heard: HeardProbes;

  constructor(options: AvailabilityChecksOptions) {
    this.#options = options;
    this.#heard = new HeardProbes(options);
  }

  readonly join = (member: CheckMember, tracked: TrackedImage): void => {
    const { resource, image, pullSecrets, hasUnknownSecrets } = member;
    const key = [image, ...pullSecrets, ...(hasUnknownSecrets ? ['?'] : [])].join(' ');
    const before = this.#memberships.get(`${resource}/${image}`);
    if (before?.key === key) return;
    if (before !== undefined) this.leave(resource, image);
    const item = this.#items.get(key) ?? this.#add(key, member, tracked);
    item.members = [...item.members, resource];
    this.#memberships.set(`${resource}/${image}`, item);
    if (tracked.status !== 'Scheduled' || item.known === undefined) return;
    this.#options.tellSeen(resource, image, item.known);
  };

  readonly leave = (resource: string, image: string): void => {
    const item = this.#memberships.get(`${resource}/${image}`);
    if (item === undefined) return;
    this.#memberships.delete(`${resource}/${image}`);
    item.members = item.members.filter((member) => member !== resource);
    if (item.members.length > 0) return;
    item.abort?.abort();
    this.#items.delete(item.key);
    const others = this.#byImage.get(image)?.filter((other) => other !== item) ?? [];
    if (others.length === 0) this.#byImage.delete(image);
    else this.#byImage.set(image, others);
    this.#options.pacers().use(item.reference.registry, (pacer) => pacer.remove(item.key));
  };

  readonly result = async (resource: string, image: string): Promise<CheckVerdict> => {
    const flight = this.#memberships.get(`${resource}/${image}`)?.flight;
    return (await flight) ?? { kind: 'none', atMs: this.#options.pacers().clocks().wallMs };
  };

  readonly see = (probe: RegistryProbe, answer: ProbeAnswer): void => {
    const heard = this.#heard.take(probe, answer);
    const items = this.#byImage.get(probeTells.imageOf(probe)) ?? [];
    for (const item of items) this.#hear(item, heard);
  };

  readonly drain = async (withinMs: number): Promise<void> => {
    const all = Promise.all(this.#flying);
    await Promise.race([all, this.#options.pause(withinMs)]);
    this.close();
    await all;
  };

  readonly close = (): void => {
    for (const { abort } of this.#items.values()) abort?.abort();
  };

  /** Runs one turn, from the Secrets to the answer; the pacer has taken it. */
  readonly run = async (registry: string, key: string, pacer: Pacer): Promise<void> => {
    const { pacers } = this.#options;
    const item = this.#items.get(key);
    let beganMs = pacers().clocks().monotonicMs;
    try {
      if (item === undefined) return;
      const flight = this.#check(item, (atMs) => {
        beganMs = atMs;
      });
      item.flight = flight;
      this.#flying.add(flight);
      for (const resource of item.members) this.#options.tellDue(resource, item.image);
      const verdict = await flight.finally(() => this.#flying.delete(flight));
      if (verdict.kind === 'told') item.known = verdict;
    } finally {
      if (item !== undefined) {
        item.flight = undefined;
        item.abort = undefined;
      }
      pacers().use(registry, () => pacer.end(key, beganMs));
      // The actors hear of it after this turn of the event loop, and so do those who are told here.
      for (const resource of item?.members ?? []) this.#options.tellChanged(resource);
    }
  };

  #add(key: string, member: CheckMember, tracked: TrackedImage): Item {
    const { image, reference, pullSecrets, hasUnknownSecrets } = member;
    const item: Item = {
      ...{
        key,
        image,
        reference,
        pullSecrets,
        hasUnknownSecrets,
        flight: undefined,
        abort: undefined,
        good: undefined,
        known: verdictOf(tracked),
      },
      members: [],
    };
    this.#items.set(key, item);
    this.#byImage.set(image, [...(this.#byImage.get(image) ?? []), item]);
    const pacers = this.#options.pacers();
    // One whose only check was called off is as good as never checked.
    const checkedMs =
      item.known === undefined ? undefined : toMonotonicMs(item.known.atMs, pacers.clocks());
    pacers.use(reference.registry, (pacer) => pacer.add(key, checkedMs));
    const heard = item.known === undefined ? this.#heard.recall(image) : undefined;
    if (heard !== undefined) this.#hear(item, heard);
    return item;
  }

  #hear(item: Item, heard: HeardProbe): void {
    const { reference, pullSecrets } = item;
    const said = this.#heard.verdictOf(heard, { reference, pullSecrets: pullSecrets.map(readKey) });
    if (!(said instanceof Promise)) this.#believe(item, heard, said);
    else said.then((verdict) => this.#believe(item, heard, verdict), this.#options.onBug);
  }

  #believe(item: Item, heard: HeardProbe, verdict: CheckVerdict | undefined): void {
    const { pacers, tellSeen, tellChanged } = this.#options;
    // In the meantime it may have been checked, or nobody tracks it any more.
    const isOld = item.flight !== undefined || (item.known?.atMs ?? 0) > heard.wallMs;
    if (verdict === undefined || isOld || this.#items.get(item.key) !== item) return;
    if (saysNothingOf(item, verdict)) return;
    item.known = verdict;
    const { registry } = item.reference;
    pacers().use(registry, (pacer) => pacer.spare(item.key, heard.monotonicMs));
    for (const resource of item.members) {
      tellSeen(resource, item.image, verdict);
      tellChanged(resource);
    }
  }

  async #check(item: Item, began: (atMs: number) => void): Promise<CheckVerdict> {
    const { registries, secrets, mannerOf, pacers, onCheck } = this.#options;
    const { reference } = item;
    const { registry } = reference;
    item.abort = new AbortController();
    const { signal } = item.abort;
    const manner = mannerOf(registry);
    const pullSecrets = item.pullSecrets.map(readKey);
    const fallback = manner.fallbackCredentialSecret;
    const asked = { reference, pullSecrets, fallback, first: item.good };
    const held = await gatherCredentials(secrets, asked, signal);
    const { wallMs, monotonicMs } = pacers().clocks();
    began(monotonicMs);
    pacers().use(registry, (pacer) => pacer.begin(monotonicMs));
    const answer = await askRegistry(
      registries,
      { ...held, reference, manner, atMs: wallMs },
      signal,
    );
    item.good = answer.let ?? item.good;
    const { verdict, quotaRemaining } = answer;
    if (verdict.kind === 'none') return verdict;
    const endMs = pacers().clocks().monotonicMs;
    const until = answer.retryAtMs === undefined ? undefined : answer.retryAtMs - wallMs;
    pacers().use(registry, (pacer) => {
      if (verdict.status !== 'QuotaExceeded') pacer.answered();
      else pacer.quotaExceeded(endMs, until === undefined ? undefined : monotonicMs + until);
    });
    onCheck({
      ...{ registry, result: verdict.status, durationMs: endMs - monotonicMs },
      ...(quotaRemaining !== undefined && { quotaRemaining }),
    });
    return saysNothingOf(item, verdict) ? { kind: 'none', atMs: wallMs } : verdict;
  }
}

/**
 * Whoever is let in with a Secret that nobody knows any more is refused without it: that is no news
 * of an image of which something is known.
 */
function saysNothingOf({ hasUnknownSecrets, known }: Item, verdict: CheckVerdict): boolean {
  const isRefused = verdict.kind === 'told' && verdict.status === 'InvalidAuth';
  return hasUnknownSecrets && known !== undefined && isRefused;
}

function verdictOf({ status, lastError, lastMonitorMs }: TrackedImage): CheckVerdict | undefined {
  if (status === 'Scheduled' || lastMonitorMs === undefined) return undefined;
  const error = lastError === undefined ? {} : { lastError };
  return { kind: 'told', status, atMs: lastMonitorMs, ...error };
}

function readKey(name: string): SecretKey {
  const slash = name.indexOf('/');
  return { namespace: name.slice(0, slash), name: name.slice(slash + 1) };
}
