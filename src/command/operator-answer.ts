import { InvalidArgumentError } from 'commander';
import { replicaHeader } from '#core/replica-header.ts';
import { fail, type Result, succeed } from '#core/result.ts';

/** Where a command asks, and how a person gets there. */
export interface OperatorEndpoint {
  readonly url: string;
  /** The flag that says where. */
  readonly flag: string;
  /** The port of the operator's Pods. */
  readonly port: number;
  /** Who asks, where that is not known by where the question comes from. */
  readonly token?: string;
  /** What is asked about, where that is too long for a URL. */
  readonly body?: unknown;
  /** Told which replica answers. */
  readonly onReplica?: (name: string) => void;
}

/** An operator answers from memory or within its own deadline; by hand one waits a little longer. */
const answerTimeoutMs = 15_000;

/** What to do first in a cluster. */
export function portForward(port: number): string {
  return `In a cluster, first: kubectl -n kuik-system port-forward deploy/kuik ${port}`;
}

/** The value of a flag that names an endpoint; refused with the usage where it is no URL. */
export function parseEndpoint(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return value;
  throw new InvalidArgumentError(`Expected a URL such as http://127.0.0.1:8080, got "${value}".`);
}

/**
 * Asks the running operator; the error is for a person. Anything may listen at that port: `isAnswer`
 * tells what the operator says from what something else does.
 */
export async function askOperator<T>(
  endpoint: OperatorEndpoint,
  path: URL,
  isAnswer: (body: Partial<T>) => boolean,
): Promise<Result<T, string>> {
  const { url: base, flag, port, onReplica } = endpoint;
  let status: number;
  let text: string;
  try {
    const answer = await fetch(path, requestOf(endpoint));
    const replica = answer.headers.get(replicaHeader);
    if (replica !== null) onReplica?.(replica);
    status = answer.status;
    text = await answer.text();
  } catch (error) {
    const reason = `${messageOf(error)}\n${portForward(port)}`;
    return fail(`Expected an operator at ${base} (${flag}): ${reason}`);
  }
  const body = parseJson(text) as (Partial<T> & { readonly error?: unknown }) | undefined;
  if (status === 200 && body !== undefined && isAnswer(body)) return succeed(body as T);
  if (typeof body?.error === 'string') {
    const who = status === 401 ? ' (--token, --token-file)' : '';
    return fail(`The operator at ${base} answered ${status}: ${body.error}${who}`);
  }
  return fail(`Expected an operator at ${base} (${flag}): what is there answered ${status}`);
}

function requestOf({ token, body }: OperatorEndpoint): RequestInit {
  return {
    signal: AbortSignal.timeout(answerTimeoutMs),
    // Elsewhere a redirect would be given the token, too.
    redirect: 'error',
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
  };
}

/** What went wrong with a request, in words. */
export function messageOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}

/** An object, or nothing that an operator would say. */
function parseJson(text: string): unknown {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? body : undefined;
  } catch {
    return undefined;
  }
}
