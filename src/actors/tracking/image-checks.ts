import type { RunTurn, Turn } from '#actors/registries/check-turns.ts';
import type { ProbeAnswer, Registries, RegistryProbe } from '#actors/registries/registries.ts';
import { type Runtime, reportCrash } from '#actors/runtime.ts';
import type { SecretReader } from '#actors/secrets/secret-reader.ts';
import { type Question, SingleFlight } from '#actors/single-flight.ts';
import type { FinishedCheck } from '#core/monitoring/pace-view.ts';
import { toMonotonicMs } from '#core/monitoring/stored-time.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import type { CheckOutcome, Verdict } from '#core/monitoring/verdict.ts';
import type { SecretName } from '#core/secret.ts';
import type { CheckImageInput } from '#machines/tracked-image.ts';
import { askRegistry, gatherCredentials } from './check-image.ts';
import { ProbeVerdicts, type ProbeVerdictsOptions, type SeenProbe } from './probe-verdicts.ts';
import type { ResourceImage } from './resource-images.ts';
import type { TrackedActors } from './tracked-actors.ts';

/** What checks are made with, and whom they tell. */
export interface ImageChecksOptions extends ProbeVerdictsOptions {
  readonly registries: Pick<Registries, 'probe' | 'turns'>;
  readonly secrets: Pick<SecretReader, 'read' | 'forget'>;
  readonly actors: Pick<TrackedActors, 'get' | 'send'>;
  /** Something about the images of a resource may have changed. */
  readonly tellChanged: (resource: string) => void;
  readonly onCheck: (check: FinishedCheck) => void;
}

/** What is checked: an image with a set of Secrets, for all resources that ask so. */
interface Item extends ResourceImage {
  readonly key: string;
  readonly image: string;
  /** Resources, each once; a list, since nearly always there is one. */
  members: readonly string[];
  /** The turn that was taken for it last. */
  turn: Turn | undefined;
  /** The source of the credential that was let in last. */
  acceptedSource: string | undefined;
}

/**
 * The checks of all tracked images. One serves all resources that ask for an image with the same
 * Secrets: when its turn comes their actors are told, and whoever asks first begins it. It is
 * aborted when none of them waits any more.
 */
export class ImageChecks {
  readonly #runtime: Runtime;
  readonly #options: ImageChecksOptions;
  readonly #items = new Map<string, Item>();
  /** Image → its items: one a set of Secrets. */
  readonly #byImage = new Map<string, readonly Item[]>();
  /** `resource/image` → the item it is a member of. */
  readonly #memberships = new Map<string, Item>();
  readonly #inFlight: SingleFlight<CheckOutcome>;
  readonly #probes: ProbeVerdicts;

  constructor(runtime: Runtime, options: ImageChecksOptions) {
    this.#runtime = runtime;
    this.#options = options;
    // Nothing is remembered: what a check came to, the actors know.
    this.#inFlight = new SingleFlight(runtime, {
      ...{ name: 'image-checks', memoryMs: () => 0, entriesMax: 1 },
    });
    this.#probes = new ProbeVerdicts(options);
  }

  /** The resource tracks it from now on; what it is checked with may differ from before. */
  readonly join = (tracked: TrackedImage, using: ResourceImage): void => {
    const { resource, image } = tracked;
    const { pullSecrets, hasUnknownSecrets } = using;
    const key = [image, ...pullSecrets, ...(hasUnknownSecrets ? ['?'] : [])].join(' ');
    const before = this.#memberships.get(`${resource}/${image}`);
    if (before?.key === key) return;
    const { actors, registries } = this.#options;
    if (before !== undefined) {
      this.leave(resource, image);
      const atMs = registries.turns.clocks().wallMs;
      actors.send(resource, image, { type: 'check.cancel', atMs });
    }
    const item = this.#items.get(key) ?? this.#add(key, tracked, using);
    const verdict = tracked.status === 'Scheduled' ? this.#knownOf(item) : undefined;
    item.members = [...item.members, resource];
    this.#memberships.set(`${resource}/${image}`, item);
    if (item.members.length === 1) this.#recall(item);
    if (verdict !== undefined) actors.send(resource, image, { type: 'probe.seen', verdict });
  };

  /** The resource tracks it no more. */
  readonly leave = (resource: string, image: string): void => {
    const item = this.#memberships.get(`${resource}/${image}`);
    if (item === undefined) return;
    this.#memberships.delete(`${resource}/${image}`);
    item.members = item.members.filter((member) => member !== resource);
    if (item.members.length > 0) return;
    this.#items.delete(item.key);
    const others = this.#byImage.get(image)?.filter((other) => other !== item) ?? [];
    if (others.length === 0) this.#byImage.delete(image);
    else this.#byImage.set(image, others);
    this.#options.registries.turns.remove(item.reference.registry, item.key);
  };

  /** Runs one turn, from the Secrets to the answer. */
  readonly run: RunTurn = async (_, key, turn) => {
    const item = this.#items.get(key);
    if (item === undefined) return;
    const { actors, tellChanged } = this.#options;
    item.turn = turn;
    for (const resource of item.members) {
      actors.send(resource, item.image, { type: 'check.due' });
    }
    // They have asked by now. Where all of them crashed nobody did, and the turn passes.
    await this.#inFlight.ended(key);
    // The actors hear of it in this turn of the event loop, those who are told here after it.
    for (const resource of item.members) tellChanged(resource);
  };

  /** What the actor of an image asks for while it is `Checking`. */
  readonly check = async (
    { resource, image }: CheckImageInput,
    signal: AbortSignal,
  ): Promise<CheckOutcome> => {
    const item = this.#memberships.get(`${resource}/${image}`);
    const { actors, registries } = this.#options;
    const shared = item && (await this.#inFlight.ask(this.#questionOf(item), signal));
    const atMs = registries.turns.clocks().wallMs;
    if (item === undefined || shared === undefined) return { kind: 'inconclusive', atMs };
    const { value } = shared;
    const isNews = !isRefusedAsUnknown(item, actors.get(resource, image), value);
    return isNews ? value : { kind: 'inconclusive', atMs: value.atMs };
  };

  /** A registry answered to a review: that may be as good as a check. */
  readonly see = (probe: RegistryProbe, answer: ProbeAnswer): void => {
    const seen = this.#probes.remember(probe, answer, this.#options.registries.turns.clocks());
    for (const item of this.#byImage.get(seen.image) ?? []) this.#judge(item, seen);
  };

  /** What is in flight has so long; then it is aborted. */
  readonly drain = async (withinMs: number): Promise<void> => {
    const cancel = this.#runtime.clock.after(withinMs, this.#inFlight.close);
    await this.#inFlight.ended();
    cancel();
  };

  /** Aborts what is in flight and forgets the rest. */
  readonly clear = (): void => {
    this.#inFlight.close();
    this.#items.clear();
    this.#byImage.clear();
    this.#memberships.clear();
    this.#probes.clear();
  };

  #add(key: string, tracked: TrackedImage, using: ResourceImage): Item {
    const { image } = tracked;
    const { reference, pullSecrets, hasUnknownSecrets } = using;
    const item: Item = {
      ...{ key, image, reference, pullSecrets, hasUnknownSecrets },
      ...{ members: [], turn: undefined, acceptedSource: undefined },
    };
    this.#items.set(key, item);
    this.#byImage.set(image, [...(this.#byImage.get(image) ?? []), item]);
    const { turns } = this.#options.registries;
    const known = verdictOf(tracked);
    // One whose only check was aborted is as good as never checked.
    const checkedMs = known && toMonotonicMs(known.atMs, turns.clocks());
    turns.add(reference.registry, key, checkedMs);
    return item;
  }

  /** What checks of it have come to, as one of its members knows. */
  #knownOf({ members, image }: Item): Verdict | undefined {
    for (const resource of members) {
      const known = verdictOf(this.#options.actors.get(resource, image));
      if (known !== undefined) return known;
    }
    return undefined;
  }

  /** A review asked about it a moment before anybody tracked it. */
  #recall(item: Item): void {
    if (this.#knownOf(item) !== undefined) return;
    const seen = this.#probes.recall(item.image, this.#options.registries.turns.clocks());
    if (seen !== undefined) this.#judge(item, seen);
  }

  #judge(item: Item, seen: SeenProbe): void {
    const { reference, pullSecrets } = item;
    const checked = { reference, pullSecrets: pullSecrets.map(readName) };
    const verdict = this.#probes.verdictOf(seen, checked);
    if (!(verdict instanceof Promise)) this.#believe(item, seen, verdict);
    else {
      verdict.then(
        (judged) => this.#believe(item, seen, judged),
        (error) => reportCrash(this.#runtime, 'image-checks', error),
      );
    }
  }

  #believe(item: Item, seen: SeenProbe, verdict: Verdict | undefined): void {
    // In the meantime perhaps nobody tracks it any more.
    if (verdict === undefined || this.#items.get(item.key) !== item) return;
    const { actors, registries, tellChanged } = this.#options;
    const { image, reference } = item;
    const members = item.members.filter((resource) => {
      const tracked = actors.get(resource, image);
      // It may have been checked since.
      const isOld = (verdictOf(tracked)?.atMs ?? 0) > verdict.atMs;
      return !isOld && !isRefusedAsUnknown(item, tracked, verdict);
    });
    if (members.length === 0) return;
    registries.turns.spare(reference.registry, item.key, seen.monotonicMs);
    for (const resource of members) {
      actors.send(resource, image, { type: 'probe.seen', verdict });
      tellChanged(resource);
    }
  }

  #questionOf(item: Item): Question<CheckOutcome> {
    return {
      key: item.key,
      lingers: false,
      run: async ({ signal }) =>
        item.turn === undefined ? undefined : await this.#ask(item, item.turn, signal),
    };
  }

  async #ask(item: Item, turn: Turn, signal: AbortSignal): Promise<CheckOutcome> {
    const { registries, secrets, checkOptionsOf } = this.#options;
    const { reference, acceptedSource } = item;
    const options = checkOptionsOf(reference.registry);
    const pullSecrets = item.pullSecrets.map(readName);
    const fallback = options.fallbackCredentialSecret;
    // Read anew: checks are few, and a Secret that was just mended or rotated is used at once.
    for (const name of pullSecrets) secrets.forget(name);
    if (fallback !== undefined) secrets.forget(fallback);
    const named = { reference, pullSecrets, fallback, acceptedSource };
    const held = await gatherCredentials(secrets.read, named, signal);
    const began = registries.turns.clocks();
    turn.begin();
    const asked = { ...held, reference, options, atMs: began.wallMs };
    const { outcome, ...answer } = await askRegistry(registries, asked, signal);
    item.acceptedSource = answer.acceptedSource ?? acceptedSource;
    if (outcome.kind === 'inconclusive') return outcome;
    const { retryAtMs, quotaRemaining } = answer;
    const untilMs =
      retryAtMs === undefined ? undefined : retryAtMs - began.wallMs + began.monotonicMs;
    if (outcome.status === 'QuotaExceeded') turn.quotaExceeded(untilMs);
    else turn.answered();
    this.#options.onCheck({
      ...{ registry: reference.registry, result: outcome.status },
      durationMs: registries.turns.clocks().monotonicMs - began.monotonicMs,
      ...(quotaRemaining !== undefined && { quotaRemaining }),
    });
    return outcome;
  }
}

/**
 * Whoever is let in with a Secret that nobody knows any more is refused without it: that is no news
 * of an image of which something is known.
 */
function isRefusedAsUnknown(
  { hasUnknownSecrets }: Item,
  tracked: TrackedImage | undefined,
  outcome: CheckOutcome,
): boolean {
  const isRefused = outcome.kind === 'verdict' && outcome.status === 'InvalidAuth';
  return hasUnknownSecrets && isRefused && verdictOf(tracked) !== undefined;
}

function verdictOf(tracked: TrackedImage | undefined): Verdict | undefined {
  if (tracked === undefined) return undefined;
  const { status, lastError, lastMonitorMs } = tracked;
  if (status === 'Scheduled' || lastMonitorMs === undefined) return undefined;
  const error = lastError === undefined ? {} : { lastError };
  return { kind: 'verdict', status, atMs: lastMonitorMs, ...error };
}

function readName(name: string): SecretName {
  const slash = name.indexOf('/');
  return { namespace: name.slice(0, slash), name: name.slice(slash + 1) };
}
