import type { RunTurn, Turn } from '#actors/registries/check-turns.ts';
import type { ProbeAnswer, Registries, RegistryProbe } from '#actors/registries/registries.ts';
import { type Runtime, reportCrash } from '#actors/runtime.ts';
import type { SecretReader } from '#actors/secrets/secret-reader.ts';
import { type Flight, SingleFlight } from '#actors/single-flight.ts';
import { formatReference } from '#core/image/reference.ts';
import type { FinishedCheck } from '#core/monitoring/pace-view.ts';
import { toMonotonicMs } from '#core/monitoring/stored-time.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import type { CheckOutcome, Verdict } from '#core/monitoring/verdict.ts';
import type { SecretName } from '#core/secret.ts';
import {
  askRegistry,
  type CheckCredentials,
  type CheckOptions,
  gatherCredentials,
} from './check-image.ts';
import { ProbeVerdicts, type ProbeVerdictsOptions, type SeenProbe } from './probe-verdicts.ts';
import type { TrackedEntry } from './tracked-images.ts';

/** What checks are made with, and whom they tell. */
export interface ImageChecksOptions extends ProbeVerdictsOptions {
  readonly registries: Pick<Registries, 'probe' | 'turns'>;
  readonly secrets: Pick<SecretReader, 'read' | 'forget'>;
  /** Something about the images of a resource may have changed. */
  readonly tellChanged: (resource: string) => void;
  readonly onCheck: (check: FinishedCheck) => void;
}

/** What is checked: an image with a set of Secrets, for all resources that ask so. */
interface Check extends Pick<TrackedEntry, 'image' | 'reference' | 'namespace'> {
  readonly key: string;
  readonly pullSecrets: readonly SecretName[];
  readonly hasUnknownSecrets: boolean;
  /** One a resource; a list, since nearly always there is one. */
  entries: readonly TrackedEntry[];
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
  readonly #checks = new Map<string, Check>();
  /** Image → its checks: one a set of Secrets. */
  readonly #byImage = new Map<string, readonly Check[]>();
  readonly #byEntry = new Map<TrackedEntry, Check>();
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

  /** A resource tracks it; what it is checked with may differ from before. */
  readonly join = (entry: TrackedEntry): void => {
    const { image, pullSecrets, hasUnknownSecrets } = entry;
    const key = [image, ...pullSecrets, ...(hasUnknownSecrets ? ['?'] : [])].join(' ');
    const before = this.#byEntry.get(entry);
    if (before?.key === key) return;
    if (before !== undefined) {
      this.leave(entry);
      entry.send({ type: 'check.cancel', atMs: this.#runtime.now() });
    }
    const check = this.#checks.get(key) ?? this.#add(key, entry);
    // What it came to before, as one of those who asked for it knows.
    const verdict = check.entries.map(({ tracked }) => verdictOf(tracked)).find(Boolean);
    check.entries = [...check.entries, entry];
    this.#byEntry.set(entry, check);
    if (verdictOf(entry.tracked) !== undefined) return;
    if (verdict !== undefined) entry.send({ type: 'probe.seen', verdict });
    else {
      // A review asked about it a moment before anybody tracked it.
      const seen = this.#probes.recall(image, this.#options.registries.turns.clocks());
      if (seen !== undefined) this.#judge(check, seen);
    }
  };

  /** The resource tracks it no more. */
  readonly leave = (entry: TrackedEntry): void => {
    const check = this.#byEntry.get(entry);
    if (check === undefined) return;
    this.#byEntry.delete(entry);
    check.entries = check.entries.filter((other) => other !== entry);
    if (check.entries.length > 0) return;
    const { key, image, reference } = check;
    this.#checks.delete(key);
    const others = this.#byImage.get(image)?.filter((other) => other !== check) ?? [];
    if (others.length === 0) this.#byImage.delete(image);
    else this.#byImage.set(image, others);
    this.#options.registries.turns.remove(reference.registry, key);
  };

  /** Runs one turn, from the Secrets to the answer. */
  readonly run: RunTurn = async (_, key, turn) => {
    const check = this.#checks.get(key);
    if (check === undefined) return;
    check.turn = turn;
    for (const entry of check.entries) entry.send({ type: 'check.due' });
    // They have asked by now. Where all of them crashed nobody did, and the turn passes.
    await this.#inFlight.ended(key);
    // The actors hear of it in this turn of the event loop, those who are told here after it.
    for (const { resource } of check.entries) this.#options.tellChanged(resource);
  };

  /** What an actor asks for while it is `Checking`: nobody's answer where it is not tracked any more. */
  readonly ask = async (
    entry: TrackedEntry | undefined,
    signal: AbortSignal,
  ): Promise<CheckOutcome> => {
    const check = entry && this.#byEntry.get(entry);
    const run = async (flight: Flight) =>
      check?.turn && (await this.#askRegistry(check, check.turn, flight.signal));
    const question = check && { key: check.key, lingers: false, run };
    const shared = question && (await this.#inFlight.ask(question, signal));
    const outcome = shared?.value ?? inconclusive(this.#runtime.now());
    const saysNothing = check !== undefined && isRefusedAsUnknown(check, entry?.tracked, outcome);
    return saysNothing ? inconclusive(outcome.atMs) : outcome;
  };

  /** A registry answered to a review: that may be as good as a check. */
  readonly see = (probe: RegistryProbe, answer: ProbeAnswer): void => {
    const seen = this.#probes.remember(probe, answer, this.#options.registries.turns.clocks());
    for (const check of this.#byImage.get(seen.image) ?? []) this.#judge(check, seen);
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
    this.#checks.clear();
    this.#byImage.clear();
    this.#byEntry.clear();
    this.#probes.clear();
  };

  #add(key: string, entry: TrackedEntry): Check {
    const { image, reference, hasUnknownSecrets, namespace } = entry;
    const pullSecrets = entry.pullSecrets.map(readName);
    const check: Check = {
      ...{ key, image, reference, pullSecrets, hasUnknownSecrets, namespace },
      ...{ entries: [], turn: undefined, acceptedSource: undefined },
    };
    this.#checks.set(key, check);
    this.#byImage.set(image, [...(this.#byImage.get(image) ?? []), check]);
    const { turns } = this.#options.registries;
    const known = verdictOf(entry.tracked);
    // One whose only check was aborted is as good as never checked.
    const checkedMs = known && toMonotonicMs(known.atMs, turns.clocks());
    turns.add(reference.registry, key, { checkedMs, namespace: entry.namespace });
    return check;
  }

  #judge(check: Check, seen: SeenProbe): void {
    const verdict = this.#probes.verdictOf(seen, check);
    if (!(verdict instanceof Promise)) this.#adopt(check, seen, verdict);
    else {
      verdict.then(
        (judged) => this.#adopt(check, seen, judged),
        (error) => reportCrash(this.#runtime, 'image-checks', error),
      );
    }
  }

  #adopt(check: Check, seen: SeenProbe, verdict: Verdict | undefined): void {
    // In the meantime perhaps nobody tracks it any more.
    if (verdict === undefined || this.#checks.get(check.key) !== check) return;
    const entries = check.entries.filter(({ tracked }) => {
      // It may have been checked since.
      const isOld = (verdictOf(tracked)?.atMs ?? 0) > verdict.atMs;
      return !isOld && !isRefusedAsUnknown(check, tracked, verdict);
    });
    if (entries.length === 0) return;
    const { registries, tellChanged } = this.#options;
    registries.turns.spare(check.reference.registry, check.key, seen.monotonicMs);
    for (const entry of entries) {
      entry.send({ type: 'probe.seen', verdict });
      tellChanged(entry.resource);
    }
  }

  async #askRegistry(check: Check, turn: Turn, signal: AbortSignal): Promise<CheckOutcome> {
    const { registries, checkOptionsOf, onCheck } = this.#options;
    const { reference, acceptedSource, namespace: share } = check;
    const { registry } = reference;
    const options = checkOptionsOf(registry);
    const held = await this.#gather(check, options, signal);
    const began = registries.turns.clocks();
    turn.begin();
    const asked = { ...held, reference, options, share, atMs: began.wallMs };
    const { outcome, ...answer } = await askRegistry(registries, asked, signal);
    check.acceptedSource = answer.acceptedSource ?? acceptedSource;
    if (outcome.kind === 'inconclusive') return outcome;
    const { retryAtMs, quotaRemaining } = answer;
    const waitMs = retryAtMs === undefined ? undefined : retryAtMs - began.wallMs;
    if (outcome.status !== 'QuotaExceeded') turn.answered();
    else turn.quotaExceeded(waitMs === undefined ? undefined : began.monotonicMs + waitMs);
    onCheck({
      ...{ registry, image: formatReference(reference), result: outcome.status },
      durationMs: registries.turns.clocks().monotonicMs - began.monotonicMs,
      ...(quotaRemaining !== undefined && { quotaRemaining }),
    });
    return outcome;
  }

  /** Read anew: checks are few, and a Secret that was just mended or rotated is used at once. */
  async #gather(
    { reference, pullSecrets, acceptedSource }: Check,
    { fallbackCredentialSecret: fallback }: CheckOptions,
    signal: AbortSignal,
  ): Promise<CheckCredentials> {
    const { secrets } = this.#options;
    for (const name of pullSecrets) secrets.forget(name);
    if (fallback !== undefined) secrets.forget(fallback);
    const asked = { reference, pullSecrets, fallback, acceptedSource };
    return await gatherCredentials(secrets.read, asked, signal);
  }
}

/**
 * Whoever is let in with a Secret that nobody knows any more is refused without it: that is no news
 * of an image of which something is known.
 */
function isRefusedAsUnknown(
  { hasUnknownSecrets }: Check,
  tracked: TrackedImage | undefined,
  outcome: CheckOutcome,
): boolean {
  const isRefused = outcome.kind === 'verdict' && outcome.status === 'InvalidAuth';
  return hasUnknownSecrets && isRefused && verdictOf(tracked) !== undefined;
}

function verdictOf(tracked: TrackedImage | undefined): Verdict | undefined {
  if (tracked === undefined) return undefined;
  const { status, lastError, lastMonitorMs } = tracked;
  if (status === 'Scheduled' || status === 'NodeOnly') return undefined;
  if (lastMonitorMs === undefined) return undefined;
  const error = lastError === undefined ? {} : { lastError };
  return { kind: 'verdict', status, atMs: lastMonitorMs, ...error };
}

function inconclusive(atMs: number): CheckOutcome {
  return { kind: 'inconclusive', atMs };
}

function readName(text: string): SecretName {
  const slash = text.indexOf('/');
  return { namespace: text.slice(0, slash), name: text.slice(slash + 1) };
}
