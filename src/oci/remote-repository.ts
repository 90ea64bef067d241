import type { Credential } from '#core/credentials.ts';
import type { CopyFailure } from '#core/mirroring/copy-outcome.ts';
import { CREDENTIALS_MAX } from '#core/probe.ts';
import { fail, type Result } from '#core/result.ts';
import type { Authenticator, AuthorizedRequest } from './auth.ts';
import { type Asked, failureOf, type Side } from './copy-failures.ts';
import type { OciFailure } from './errors.ts';
import { isStreamed, type TransportAnswer } from './exchange.ts';
import type { Transport, TransportRequest } from './transport.ts';

/** What every request of a copy goes through. */
export interface RemoteOptions {
  readonly transport: Transport;
  readonly authenticator: Authenticator;
  /** The one name of a registry. */
  readonly nameOf: (registry: string) => string;
  /** Wall time in ms, for Retry-After. */
  readonly nowMs: () => number;
}

/** One repository, as one copy may use it. */
export interface RepositoryRights {
  readonly side: Side;
  readonly registry: string;
  readonly path: string;
  /** In the order to try; none: anonymous. */
  readonly credentials: readonly Credential[];
  /** Whose look-ups of names these are counted with: a namespace. */
  readonly share?: string;
}

/** One request below `/v2/<path>/`, or to where an answer sent an upload. */
export type RepositoryRequest = Pick<
  AuthorizedRequest,
  'method' | 'body' | 'mountFrom' | 'blocksWithinMs'
> & {
  /** `manifests/1`, or what `resolveLocation` made of a Location. */
  readonly target: string | UploadTarget;
  readonly headers?: Readonly<Record<string, string>>;
  readonly bodyBytesMax?: number;
  /** Other rights than the side's usual ones. */
  readonly actions?: string;
};

/** Where an upload goes on: on the registry itself, or with another host that it trusts. */
export type UploadTarget =
  | { readonly kind: 'own'; readonly path: string }
  | { readonly kind: 'elsewhere'; readonly lead: TransportAnswer['lead'] };

/** An answer to the credential that came furthest. */
export type RepositoryAnswer = Result<TransportAnswer, CopyFailure>;

/** Rule 4 of copying: a transfer begins on a token that lives so much longer, or on a new one. */
const TOKEN_MS_MIN = 60_000;
/** For an answer to begin; one to a blob takes as long as the registry needs to put it away. */
const ANSWER_MS_MAX = 60_000;
/** Error bodies are lines; a manifest says itself how much it may have. */
const BODY_BYTES_MAX = 65_536;

/** One repository with the credentials to try in turn; the one that is let in is tried first. */
export class RemoteRepository {
  readonly rights: RepositoryRights;
  readonly registry: string;
  readonly #options: RemoteOptions;
  #turn = 0;

  /** Sends nothing by itself. */
  constructor(options: RemoteOptions, rights: RepositoryRights) {
    this.#options = options;
    this.rights = { ...rights, credentials: rights.credentials.slice(0, CREDENTIALS_MAX) };
    this.registry = options.nameOf(rights.registry);
  }

  /** As people write it, for messages. */
  get name(): string {
    return `${this.rights.registry}/${this.rights.path}`;
  }

  /** What a manifest was asked for with, for messages. */
  asked(method: string, reference: string, what: Asked['what'] = 'read'): Asked {
    const text = `${method} ${this.name}${reference.includes(':') ? '@' : ':'}${reference}`;
    const expected = { read: '200', manifest: '201', upload: '202', bytes: '201', deletion: '202' };
    const { side } = this.rights;
    return { side, text, what, expected: expected[what], nowMs: this.#options.nowMs() };
  }

  /** An answer of any status: of the first credential that is let in, else what says most. */
  async send(request: RepositoryRequest, signal: AbortSignal): Promise<RepositoryAnswer> {
    const { credentials, side } = this.rights;
    const tries = Math.max(credentials.length, 1);
    let told: Result<TransportAnswer, OciFailure> | undefined;
    for (let index = 0; index < tries; index += 1) {
      const turn = (this.#turn + index) % tries;
      const sent = await this.#sendTwice(credentials[turn], request, signal);
      const status = statusOf(sent);
      if (!isClosed(side, status)) {
        this.#turn = turn;
        return this.#give(sent);
      }
      // A right to look and nothing there says more than no right to look.
      if (told === undefined || status === 404) told = sent;
      if (isSpent(request)) break;
    }
    return this.#give(
      told ?? fail({ kind: 'protocol', message: `${this.name}: nothing was sent` }),
    );
  }

  #give(sent: Result<TransportAnswer, OciFailure>): RepositoryAnswer {
    return sent.ok ? sent : fail(failureOf(this.rights.side, sent.error));
  }

  /** A kept connection may have been closed just when it was used: as Go has it, once more. */
  async #sendTwice(
    credential: Credential | undefined,
    request: RepositoryRequest,
    signal: AbortSignal,
  ): Promise<Result<TransportAnswer, OciFailure>> {
    const sent = await this.#sendAs(credential, request, signal);
    const isReset = !sent.ok && sent.error.kind === 'connection' && sent.error.cause === 'reset';
    if (!isReset || signal.aborted || isStreamed(request.body)) return sent;
    return await this.#sendAs(credential, request, signal);
  }

  async #sendAs(
    credential: Credential | undefined,
    request: RepositoryRequest,
    signal: AbortSignal,
  ): Promise<Result<TransportAnswer, OciFailure>> {
    const { transport, authenticator } = this.#options;
    const { side, path } = this.rights;
    const { target, actions = side === 'target' ? 'pull,push' : undefined, ...rest } = request;
    const common = this.#plain(rest);
    if (typeof target !== 'string' && target.kind === 'elsewhere') {
      return await transport.send({ ...common, target: target.lead }, signal);
    }
    return await authenticator.send(
      {
        ...common,
        target: typeof target === 'string' ? `/v2/${path}/${target}` : target.path,
        repository: path,
        // What a copy asks for at the same time asks for one token together.
        tokenMsMin: isTransfer(request) ? TOKEN_MS_MIN : 1,
        ...(request.mountFrom !== undefined && { mountFrom: request.mountFrom }),
        ...(actions !== undefined && { actions }),
        ...(credential !== undefined && { credential }),
      },
      signal,
    );
  }

  #plain(request: Omit<RepositoryRequest, 'target' | 'actions'>): Omit<TransportRequest, 'target'> {
    const { side, share } = this.rights;
    return {
      registry: this.registry,
      purpose: side === 'source' ? 'read' : 'upload',
      bodyBytesMax: BODY_BYTES_MAX,
      ...(!isStreamed(request.body) && { answerWithinMs: ANSWER_MS_MAX }),
      ...(share !== undefined && { share }),
      ...request,
      headers: request.headers ?? {},
    };
  }
}

function statusOf(sent: Result<TransportAnswer, OciFailure>): number | undefined {
  if (sent.ok) return sent.value.status;
  return sent.error.kind === 'answer' ? sent.error.status : undefined;
}

/** A source that is hidden from one credential may be open to the next. */
function isClosed(side: Side, status: number | undefined): boolean {
  return status === 401 || status === 403 || (status === 404 && side === 'source');
}

/** What may take longer than a token lives. */
function isTransfer({ body, blocksWithinMs }: RepositoryRequest): boolean {
  return isStreamed(body) || blocksWithinMs !== undefined;
}

function isSpent({ body }: RepositoryRequest): boolean {
  return isStreamed(body) && body.isSpent;
}
