import { withDeadline } from '#actors/deadline.ts';
import type { Runtime } from '#actors/runtime.ts';
import { reduceSecret } from '#actors/secrets/secret-copy.ts';
import type { SecretPlacer } from '#actors/secrets/secret-placer.ts';
import type { SecretReader } from '#actors/secrets/secret-reader.ts';
import { resourceName } from '#api/kinds.ts';
import type { Cancellation } from '#core/cancellation.ts';
import {
  type Credential,
  credentialsToTry,
  findCredentials,
  type OpenedSecret,
  type OwnedCredential,
  openSecret,
} from '#core/credentials.ts';
import { andThen, type MaybePromise } from '#core/maybe-promise.ts';
import type { PodAdmission } from '#core/pod.ts';
import { namesOf } from '#core/pod-images.ts';
import { assert, fail, type Result, succeed } from '#core/result.ts';
import type { Candidate, OwnedSecret } from '#core/routing/candidates.ts';
import { lentLocations } from '#core/routing/declared-secrets.ts';
import type { RoutingTable } from '#core/routing/table.ts';
import { type SecretAnswer, type SecretName, secretNameText } from '#core/secret.ts';

/** Reads what is needed, together; a Pod without Secrets has its credentials at once. */
export function readPodCredentials(
  options: PodCredentialsOptions,
  request: PodCredentialsRequest,
  cancellation: Cancellation,
): MaybePromise<PodCredentials> {
  const { admission, candidates } = request;
  const own = pullSecretsOf(admission).map((name) => ({ namespace: admission.namespace, name }));
  // The API server takes no pull secret there: only what the Pod names now can pull.
  const lends = admission.subresource !== 'ephemeralcontainers';
  const lent = lends ? candidates.flatMap((candidate) => candidate.lent) : [];
  const names = new Map([...own, ...lent].map((name) => [secretNameText(name), name]));
  // Most Pods have none; a deadline costs more than all the rest of their credentials.
  const read = names.size === 0 ? nothingRead : readAll(options, [...names.values()], cancellation);
  return andThen(read, (answers) => new PodCredentials(options, request, { own, lends, answers }));
}

/** What Secrets are read with, and who puts copies in their places. */
export interface PodCredentialsOptions {
  readonly runtime: Pick<Runtime, 'clock'>;
  readonly secrets: {
    readonly reader: Pick<SecretReader, 'read'>;
    readonly placer: Pick<SecretPlacer, 'place'>;
  };
}

/** The Pod that pulls, and what it may pull. */
export interface PodCredentialsRequest {
  readonly admission: PodAdmission;
  readonly table: RoutingTable;
  /** Of all images that are asked for. */
  readonly candidates: readonly Candidate[];
}

/** Reading all Secrets may take so long; one unread by then counts as missing. */
const secretsTimeoutMs = 1_000;
/** Writing one copy may take so long; then the next candidate is taken. */
const placeTimeoutMs = 1_000;
/** Pull secrets of one Pod that are read; the kubelet reads all, nobody names more. */
const pullSecretsMax = 32;

const nothingRead: ReadonlyMap<string, SecretAnswer> = new Map();

async function readAll(
  { secrets, runtime }: PodCredentialsOptions,
  names: readonly SecretName[],
  { signal }: Cancellation,
): Promise<ReadonlyMap<string, SecretAnswer>> {
  const deadline = { deadlineMs: secretsTimeoutMs, signal };
  return await withDeadline(runtime.clock, deadline, async (bounded) => {
    const read = names.map(
      async (name) => [secretNameText(name), await secrets.reader.read(name, bounded)] as const,
    );
    return new Map(await Promise.all(read));
  });
}

/** What was read for one Pod. */
interface ReadSecrets {
  readonly own: readonly SecretName[];
  /** Whether the Pod may be given what resources name. */
  readonly lends: boolean;
  readonly answers: ReadonlyMap<string, SecretAnswer>;
}

/** The credentials of one Pod: its own, and those that resources lend it. */
export class PodCredentials {
  /** What was missing or broken, as sentences for whoever creates the Pod. */
  readonly warnings: readonly string[];
  readonly #options: PodCredentialsOptions;
  readonly #request: PodCredentialsRequest;
  readonly #read: ReadSecrets;
  readonly #own: readonly OpenedSecret[];
  readonly #tries = new Map<Candidate, readonly OwnedCredential[]>();

  constructor(options: PodCredentialsOptions, request: PodCredentialsRequest, read: ReadSecrets) {
    this.#options = options;
    this.#request = request;
    this.#read = read;
    const { own, answers } = read;
    const ownNames = new Set(own.map(secretNameText));
    this.#own = [...ownNames].flatMap((name) => openFound(answers.get(name), false) ?? []);
    this.warnings = [...answers].flatMap(([name, answer]) =>
      warningsOf(name, answer, !ownNames.has(name)),
    );
  }

  /** In the order to try; none means anonymous (behaviour §2). */
  readonly credentialsFor = (candidate: Candidate): readonly Credential[] =>
    this.#try(candidate).map(({ credential }) => credential);

  /** Whether the Pod can pull as it is with what was let in. */
  readonly canPullWith = (candidate: Candidate, credential: Credential | undefined): boolean =>
    (this.#find(candidate, credential)?.of ?? 'pod') === 'pod';

  /**
   * Sees to it that the Pod can pull with what was let in; the answer is the pull secret that it
   * has to name for that, if it does not yet.
   */
  readonly ensurePullSecret = async (
    candidate: Candidate,
    credential: Credential | undefined,
    signal: AbortSignal,
  ): Promise<Result<string | undefined, string>> => {
    const tried = this.#find(candidate, credential);
    if (tried === undefined || tried.of === 'pod') return succeed(undefined);
    const secret = candidate.lent.find((one) => secretNameText(one) === tried.credential.source);
    if (secret === undefined) return succeed(undefined);
    const { admission } = this.#request;
    if (secret.namespace !== admission.namespace) return await this.#place(secret, signal);
    const isNamed = pullSecretsOf(admission).includes(secret.name);
    return succeed(isNamed ? undefined : secret.name);
  };

  #find(candidate: Candidate, credential: Credential | undefined): OwnedCredential | undefined {
    return this.#try(candidate).find((one) => one.credential === credential);
  }

  #try(candidate: Candidate): readonly OwnedCredential[] {
    const known = this.#tries.get(candidate);
    if (known !== undefined) return known;
    const { lends, answers } = this.#read;
    const { reference, original } = candidate;
    const lent = lends ? candidate.lent : [];
    // One after another: the sets' order comes before that of keys.
    const entry = lent.flatMap((name) => {
      const opened = openFound(answers.get(secretNameText(name)), true);
      return opened === undefined ? [] : findCredentials([opened], reference);
    });
    const tries = credentialsToTry({ entry, pod: findCredentials(this.#own, reference), original });
    this.#tries.set(candidate, tries);
    return tries;
  }

  async #place(secret: OwnedSecret, signal: AbortSignal): Promise<Result<string, string>> {
    const { secrets, runtime } = this.#options;
    const { admission, table } = this.#request;
    const answer = this.#read.answers.get(secretNameText(secret));
    const { kind, name, uid } = secret.owner;
    if (uid === undefined || answer?.kind !== 'found') {
      return fail(`Secret ${secretNameText(secret)} cannot be copied`);
    }
    // Where the resource uses this Secret: one copy serves all its entries.
    const lender = table.find(resourceName({ kind, metadata: secret.owner }));
    const source = reduceSecret(answer.secret, lentLocations(lender, secret));
    if (source === undefined) {
      return fail(`Secret ${secretNameText(secret)} holds nothing for this image`);
    }
    const { namespace, dryRun } = admission;
    const wanted = { owner: { kind, name, uid }, source, namespace, dryRun };
    const deadline = { deadlineMs: placeTimeoutMs, signal };
    const placed = await withDeadline(runtime.clock, deadline, (bounded) =>
      secrets.placer.place(wanted, bounded),
    );
    // Without a name the Pod would be sent to where it cannot pull.
    assert(!placed.ok || typeof placed.value === 'string', 'a placed Secret has a name');
    return placed;
  }
}

function openFound(answer: SecretAnswer | undefined, isSource: boolean): OpenedSecret | undefined {
  if (answer?.kind !== 'found' || (isSource && answer.isCopy)) return undefined;
  return openSecret(answer.secret);
}

function warningsOf(name: string, answer: SecretAnswer, isSource: boolean): readonly string[] {
  if (answer.kind === 'missing') return [`Secret ${name} is missing: it was asked without it`];
  if (answer.kind === 'unreadable') {
    return [`Secret ${name} was not read: ${answer.message}; it was asked without it`];
  }
  if (isSource && answer.isCopy) return [`Secret ${name} is a copy and no source of copies`];
  return openFound(answer, isSource)?.warnings ?? [];
}

/** As it came from outside: what is no name is none. */
function pullSecretsOf({ pod }: PodAdmission): readonly string[] {
  const names = namesOf(pod.spec?.imagePullSecrets).slice(0, pullSecretsMax);
  return names.filter((name) => typeof name === 'string' && name !== '') as readonly string[];
}
