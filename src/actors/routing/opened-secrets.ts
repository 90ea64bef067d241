import { isLent } from '#actors/secrets/secret-copy.ts';
import {
  type Credential,
  findCredentials,
  type OpenedSecret,
  openSecret,
} from '#core/credentials.ts';
import type { ImageReference } from '#core/image/reference.ts';
import type { Location } from '#core/routing/location.ts';
import { type SecretAnswer, type SecretName, secretNameText } from '#core/secret.ts';

/** The Secrets that were read for one Pod, opened: its own, and those that resources lend it. */
export class OpenedSecrets {
  readonly answers: ReadonlyMap<string, SecretAnswer>;
  /** `namespace/name` of those that the Pod names, in its order. */
  readonly #ownNames: ReadonlySet<string>;
  #own: readonly OpenedSecret[] | undefined;

  constructor(answers: ReadonlyMap<string, SecretAnswer>, own: readonly SecretName[]) {
    this.answers = answers;
    this.#ownNames = new Set(own.map(secretNameText));
  }

  /** What was missing or broken, as sentences for whoever creates the Pod. */
  get warnings(): readonly string[] {
    return [...this.answers].flatMap(([name, answer]) =>
      warningsOf(name, answer, !this.#ownNames.has(name)),
    );
  }

  readonly isOwn = (secret: SecretName): boolean => this.#ownNames.has(secretNameText(secret));

  /** Opens each, and what serves these registries; yields where others may go in between. */
  *openInSteps(registries: ReadonlySet<string>): Generator<void, void> {
    for (const answer of this.answers.values()) {
      const opened = openFound(answer, false);
      yield;
      for (const registry of opened === undefined ? [] : registries) {
        opened?.serving(registry);
        yield;
      }
    }
  }

  /** What the Pod's own hold for an image; they are gathered once. */
  readonly ownFor = (reference: ImageReference): readonly Credential[] => {
    this.#own ??= [...this.#ownNames].flatMap((name) => this.#opened(name, false) ?? []);
    return findCredentials(this.#own, reference);
  };

  /** What a lent one holds for an image; with `lentAt` as far as a copy lent there would. */
  readonly lentFor = (
    secret: SecretName,
    reference: ImageReference,
    lentAt?: readonly Location[],
  ): readonly Credential[] => {
    const opened = this.#opened(secretNameText(secret), true);
    const found = opened === undefined ? [] : findCredentials([opened], reference);
    if (lentAt === undefined) return found;
    return found.filter(({ key = '' }) => isLent(key, lentAt));
  };

  #opened(name: string, isSource: boolean): OpenedSecret | undefined {
    return openFound(this.answers.get(name), isSource);
  }
}

/** What is a copy is no source of copies. */
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
