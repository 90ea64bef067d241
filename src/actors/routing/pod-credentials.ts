import { isDeepStrictEqual } from 'node:util';
import { withDeadline } from '#actors/deadline.ts';
import type { FairTurns } from '#actors/fair-turns.ts';
import type { Runtime } from '#actors/runtime.ts';
import { reduceSecret } from '#actors/secrets/secret-copy.ts';
import type { SecretPlacer } from '#actors/secrets/secret-placer.ts';
import type { SecretReader } from '#actors/secrets/secret-reader.ts';
import type { ServiceAccounts } from '#actors/secrets/service-accounts.ts';
import { resourceName } from '#api/kinds.ts';
import type { Cancellation } from '#core/cancellation.ts';
import { type Credential, credentialsToTry, type OwnedCredential } from '#core/credentials.ts';
import type { ImageReference } from '#core/image/reference.ts';
import type { MaybePromise } from '#core/maybe-promise.ts';
import type { PodAdmission } from '#core/pod.ts';
import { assert, fail, type Result, succeed } from '#core/result.ts';
import type { Candidate, OwnedSecret } from '#core/routing/candidates.ts';
import { lentLocations } from '#core/routing/declared-secrets.ts';
import type { Location } from '#core/routing/location.ts';
import { pullSecretsOf } from '#core/routing/pull-secrets.ts';
import type { RoutingTable } from '#core/routing/table.ts';
import { type SecretAnswer, type SecretName, secretNameText } from '#core/secret.ts';
import { OpenedSecrets } from './opened-secrets.ts';

/** Reads what is needed, together; a Pod without Secrets has its credentials at once. */
export function readPodCredentials(
  options: PodCredentialsOptions,
  request: PodCredentialsRequest,
  cancellation: Cancellation,
): MaybePromise<PodCredentials> {
  const { admission, candidates } = request;
  const { own, warnings } = pullSecretsOf(admission);
  // The API server takes no pull secret there: only what the Pod names now can pull.
  const lends = admission.subresource !== 'ephemeralcontainers';
  const lent = lends ? candidates.flatMap((candidate) => candidate.lent) : [];
  const names = new Map([...own, ...lent].map((name) => [secretNameText(name), name]));
  const given = { own, lends, warnings };
  // Most Pods have none; a deadline costs more than all the rest of their credentials.
  if (names.size === 0)
    return new PodCredentials(options, request, { ...given, answers: noneRead });
  const read = (name: SecretName, signal: AbortSignal) => options.secrets.reader.read(name, signal);
  return readAll(options, { names: [...names.values()], read }, cancellation).then((answers) =>
    openAll(options, request, { given: { ...given, answers }, cancellation }),
  );
}

/** What Secrets are read with, and who puts copies in their places. */
export interface PodCredentialsOptions {
  readonly runtime: Pick<Runtime, 'clock'>;
  readonly secrets: {
    readonly reader: Pick<SecretReader, 'read' | 'readAgain'>;
    readonly placer: Pick<SecretPlacer, 'place'>;
    readonly accounts: Pick<ServiceAccounts, 'objection'>;
  };
  /** In which many Secrets, or large ones, are opened. */
  readonly turns: FairTurns;
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
const noneRead: ReadonlyMap<string, SecretAnswer> = new Map();

interface SecretsToRead {
  readonly names: readonly SecretName[];
  readonly read: (name: SecretName, signal: AbortSignal) => Promise<SecretAnswer>;
}

async function readAll(
  { runtime }: PodCredentialsOptions,
  { names, read }: SecretsToRead,
  { signal }: Cancellation,
): Promise<ReadonlyMap<string, SecretAnswer>> {
  const deadline = { deadlineMs: secretsTimeoutMs, signal };
  return await withDeadline(runtime.clock, deadline, async (bounded) => {
    const answers = names.map(
      async (name) => [secretNameText(name), await read(name, bounded)] as const,
    );
    return new Map(await Promise.all(answers));
  });
}

/** What was read is opened in turns: a Pod may name 256 Secrets of a thousand registries each. */
async function openAll(
  options: PodCredentialsOptions,
  request: PodCredentialsRequest,
  { given, cancellation }: { readonly given: ReadSecrets; readonly cancellation: Cancellation },
): Promise<PodCredentials> {
  const pod = new PodCredentials(options, request, given);
  const isWanted = () => !cancellation.isCancelled;
  await options.turns.run(request.admission.namespace, pod.openInSteps(), isWanted);
  return pod;
}

/** What was read for one Pod. */
interface ReadSecrets {
  readonly own: readonly SecretName[];
  /** Whether the Pod may be given what resources name. */
  readonly lends: boolean;
  readonly answers: ReadonlyMap<string, SecretAnswer>;
  /** Of names that no Secret can have. */
  readonly warnings: readonly string[];
}

/** The credentials of one Pod: its own, and those that resources lend it. */
export class PodCredentials {
  readonly #options: PodCredentialsOptions;
  readonly #request: PodCredentialsRequest;
  readonly #read: ReadSecrets;
  readonly #secrets: OpenedSecrets;
  readonly #tries = new Map<Candidate, readonly OwnedCredential[]>();

  constructor(options: PodCredentialsOptions, request: PodCredentialsRequest, read: ReadSecrets) {
    this.#options = options;
    this.#request = request;
    this.#read = read;
    this.#secrets = new OpenedSecrets(read.answers, read.own);
  }

  /** What was missing or broken, as sentences for whoever creates the Pod. */
  get warnings(): readonly string[] {
    return [...this.#read.warnings, ...this.#secrets.warnings];
  }

  /** Finds out what is tried for each candidate; yields where others may go in between. */
  *openInSteps(): Generator<void, void> {
    const { candidates } = this.#request;
    const registries = new Set(candidates.map(({ reference }) => reference.registry));
    yield* this.#secrets.openInSteps(registries);
    for (const candidate of candidates) {
      this.#try(candidate);
      yield;
    }
  }

  /**
   * The same with what its Secrets hold now, where a registry refused what they held and that has
   * changed since; undefined where it has not (behaviour §2).
   */
  readonly renewed = (
    refused: readonly Candidate[],
    cancellation: Cancellation,
  ): MaybePromise<PodCredentials | undefined> => {
    const { answers } = this.#read;
    const tried = refused.flatMap((one) => this.credentialsFor(one).map(({ source }) => source));
    const found = [...new Set(tried)].flatMap(
      (text): readonly (readonly [string, SecretAnswer])[] => {
        const answer = answers.get(text);
        return answer?.kind === 'found' ? [[text, answer]] : [];
      },
    );
    return found.length === 0 ? undefined : this.#readAgain(new Map(found), cancellation);
  };

  async #readAgain(
    known: ReadonlyMap<string, SecretAnswer>,
    cancellation: Cancellation,
  ): Promise<PodCredentials | undefined> {
    const { reader } = this.#options.secrets;
    const read = (name: SecretName, signal: AbortSignal) => {
      const answer = known.get(secretNameText(name)) ?? { kind: 'missing' };
      return reader.readAgain(name, answer, signal);
    };
    const names = [...known.values()].flatMap((one) => (one.kind === 'found' ? one.secret : []));
    const again = await readAll(this.#options, { names, read }, cancellation);
    if (isDeepStrictEqual(known, again)) return undefined;
    const given = { ...this.#read, answers: new Map([...this.#read.answers, ...again]) };
    return await openAll(this.#options, this.#request, { given, cancellation });
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
    const { namespace, pod } = this.#request.admission;
    const isAtHome = secret.namespace === namespace;
    if (isAtHome && this.#secrets.isOwn(secret)) return succeed(undefined);
    const account = pod.spec?.serviceAccountName || 'default';
    const { accounts } = this.#options.secrets;
    const objection = await accounts.objection(namespace, account, signal);
    if (objection !== undefined) return fail(objection);
    return isAtHome ? succeed(secret.name) : await this.#place(secret, signal);
  };

  #find(candidate: Candidate, credential: Credential | undefined): OwnedCredential | undefined {
    return this.#try(candidate).find((one) => one.credential === credential);
  }

  #try(candidate: Candidate): readonly OwnedCredential[] {
    const known = this.#tries.get(candidate);
    if (known !== undefined) return known;
    const { lends } = this.#read;
    const { reference, original } = candidate;
    // One after another: the sets' order comes before that of keys.
    const entry = lends ? candidate.lent.flatMap((name) => this.#lentBy(name, reference)) : [];
    const pod = this.#secrets.ownFor(reference);
    const tries = credentialsToTry({ entry, pod, original });
    this.#tries.set(candidate, tries);
    return tries;
  }

  /** With what a copy does not hold nothing is tried either. */
  #lentBy(secret: OwnedSecret, reference: ImageReference): readonly Credential[] {
    const { admission, table } = this.#request;
    if (secret.namespace === admission.namespace) return this.#secrets.lentFor(secret, reference);
    return this.#secrets.lentFor(secret, reference, locationsWith(secret, table));
  }

  async #place(secret: OwnedSecret, signal: AbortSignal): Promise<Result<string, string>> {
    const { secrets, runtime } = this.#options;
    const { admission, table } = this.#request;
    const answer = this.#read.answers.get(secretNameText(secret));
    const { kind, name, uid } = secret.owner;
    if (uid === undefined || answer?.kind !== 'found') {
      return fail(`Secret ${secretNameText(secret)} cannot be copied`);
    }
    const source = reduceSecret(answer.secret, locationsWith(secret, table));
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

/** Where the resource uses this Secret: one copy serves all its entries. */
function locationsWith(secret: OwnedSecret, table: RoutingTable): readonly Location[] {
  const { kind, ...metadata } = secret.owner;
  return lentLocations(table.find(resourceName({ kind, metadata })), secret);
}
