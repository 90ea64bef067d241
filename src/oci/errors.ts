import { errors } from 'undici';
import { cutText } from '#core/cut-text.ts';
import type { UnreachableCause } from '#core/probe.ts';
import { ForbiddenError } from './addresses.ts';
import { ConnectError } from './dispatchers.ts';
import { NameError } from './names.ts';
import { type AnswerHeaders, readQuota } from './quota.ts';
import { tlsWords } from './tls-words.ts';

/** What went wrong with one request to a registry, translated once, with URLs redacted. */
export type OciFailure =
  | {
      /** The registry answered with a status that is no success. */
      readonly kind: 'answer';
      readonly status: number;
      readonly message: string;
      /** Wall time in ms since the epoch, from Retry-After or the rate-limit reset headers. */
      readonly retryAtMs?: number;
      readonly quotaRemaining?: number;
    }
  | {
      /** No usable answer: the connection, TLS, the time or our own rules stood in the way. */
      readonly kind: 'connection';
      readonly cause: Exclude<UnreachableCause, 'answer'>;
      readonly message: string;
      /**
       * An answer came before: a challenge, a redirect, the beginning of what broke off. Without it
       * nothing was heard at all, which is what makes a registry a suspect.
       */
      readonly answered?: true;
    }
  | {
      /** An answer that breaks the protocol: an oversized body, a token without a token. */
      readonly kind: 'protocol';
      readonly message: string;
    };

/** An answer that breaks the protocol, thrown inside this room and translated at its edge. */
export class ProtocolError extends Error {
  readonly code = 'KUIK_PROTOCOL';
}

/** An answer as far as failures are made of it. */
export interface FailedAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  /** The start of the body, empty for HEAD. */
  readonly body: string | Buffer;
  /** Not the registry's own: its words are not shown, or it would be read on others' behalf. */
  readonly foreign?: boolean;
}

type ConnectionCause = Exclude<UnreachableCause, 'answer'>;

const CAUSE_BY_CODE: Readonly<Record<string, ConnectionCause>> = {
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EAI_FAIL: 'dns',
  EAI_NODATA: 'dns',
  EAI_NONAME: 'dns',
  ECONNRESET: 'reset',
  ECONNABORTED: 'reset',
  EPIPE: 'reset',
  UND_ERR_SOCKET: 'reset',
  ETIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  EPROTO: 'tls',
  UNSPECIFIED: 'tls',
  KUIK_FORBIDDEN: 'forbidden',
};

/** Codes of Node's TLS layer and of OpenSSL's certificate verification. */
const TLS_CODE =
  /^(ERR_SSL_|ERR_TLS_|ERR_OSSL_|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERROR_IN_|HOSTNAME_|INVALID_|PATH_LENGTH_|SUBJECT_|AKID_|KEYUSAGE_)/;

const WORDS: Readonly<Record<Exclude<ConnectionCause, 'tls'>, string>> = {
  dns: 'its name does not resolve',
  refused: 'the connection failed',
  reset: 'the connection was reset',
  timeout: 'it did not answer in time',
  forbidden: 'our own rules refuse the connection',
};

/**
 * What an error of the connection means. `host` is the registry as people write it. An error that
 * is none of the network's, of TLS or of HTTP is a bug and thrown on.
 */
export function translateError(error: unknown, host: string): OciFailure {
  const inner = error instanceof ConnectError ? error.cause : error;
  if (inner instanceof ProtocolError) {
    return { kind: 'protocol', message: `${host}: ${inner.message}` };
  }
  if (inner instanceof ForbiddenError) {
    return { kind: 'connection', cause: 'forbidden', message: `${host}: ${inner.message}` };
  }
  if (inner instanceof NameError) {
    // Docker Hub's registry, a token service: whose name it was is what a person has to know.
    const words = host.startsWith(inner.hostname) ? WORDS.dns : inner.message;
    return { kind: 'connection', cause: 'dns', message: `${host}: ${words} (${inner.code})` };
  }
  const code = errorCode(inner);
  if (code === undefined) throw error;
  const cause = causeOf(code);
  if (cause === undefined) {
    return { kind: 'protocol', message: `${host}: expected an HTTP answer, got ${code}` };
  }
  const words = cause === 'tls' ? tlsWords(code) : WORDS[cause];
  return { kind: 'connection', cause, message: `${host}: ${words} (${code})` };
}

/** The failure of a request that was called off, at its deadline or by whoever asked. */
export function outOfTime(host: string): OciFailure {
  return { kind: 'connection', cause: 'timeout', message: `${host}: ${WORDS.timeout}` };
}

/** The failure that an answer with the wrong status is. `asked` says who was asked for what. */
export function translateAnswer(answer: FailedAnswer, asked: string, nowMs: number): OciFailure {
  const { quotaRemaining, quotaResetAtMs, retryAfterMs } = readQuota(answer.headers, nowMs);
  const retryAtMs = retryAfterMs ?? quotaResetAtMs;
  return {
    kind: 'answer',
    status: answer.status,
    message: `${asked}: expected 200, got ${answerWords(answer)}`,
    ...(retryAtMs !== undefined && { retryAtMs }),
    ...(quotaRemaining !== undefined && { quotaRemaining }),
  };
}

/** The status of an answer and what a registry says of it, on one line. */
export function answerWords(answer: FailedAnswer): string {
  return `${answer.status}${detail(answer)}`;
}

/**
 * Whether a failed https connection was to something that does not speak TLS at all: not one that
 * answered with a TLS alert, nor one whose certificate we refuse.
 */
export function spokeNoTls(error: unknown): boolean {
  if (!(error instanceof ConnectError)) return false;
  const code = errorCode(error.cause) ?? '';
  if (code === 'EPROTO' || causeOf(code) === 'reset') return true;
  return code.startsWith('ERR_SSL_') && !code.includes('ALERT');
}

function errorCode(error: unknown): string | undefined {
  // The parser has no code for some of what it refuses.
  if (error instanceof errors.HTTPParserError) return error.code ?? 'HPE_UNKNOWN';
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Every other code of the operating system is a connection that failed: EHOSTUNREACH and kin. */
function causeOf(code: string): ConnectionCause | undefined {
  if (Object.hasOwn(CAUSE_BY_CODE, code)) return CAUSE_BY_CODE[code];
  if (TLS_CODE.test(code)) return 'tls';
  // A proxy that refuses its tunnel comes as an abort; our own aborts never get here.
  if (/^(E[A-Z]+|UND_ERR_PRX_\w+|UND_ERR_ABORTED|UND_ERR_INVALID_ARG)$/.test(code)) {
    return 'refused';
  }
  return undefined;
}

/** Bytes of a registry's words that are shown: they land in a status, a log line, a warning. */
const DETAIL_BYTES_MAX = 120;

/** The first error of the body as the distribution spec writes them, on one line, cut. */
function detail({ body, foreign }: FailedAnswer): string {
  if (foreign === true) return '';
  const said = body.toString();
  const [, code] = /"code"\s*:\s*"([^"\\]{1,64})"/.exec(said) ?? [];
  const [, message] = /"message"\s*:\s*"([^"\\]{1,512})/.exec(said) ?? [];
  const text = [code, message].filter((part) => part !== undefined).join(': ');
  // What is invisible or turns the direction of writing would change the words around it.
  const clean = cutText(text.replaceAll(/[\p{Cc}\p{Cf}]/gu, ' '), DETAIL_BYTES_MAX);
  return clean === '' ? '' : ` (${clean})`;
}
