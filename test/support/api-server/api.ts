import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { parse } from 'yaml';
import { keepSecretObject } from '#test/support/runner/kept-secrets.ts';

/** A Kubernetes object as JSON has it; tests look into it with `expect`. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMetadata;
  readonly [field: string]: unknown;
}

/** The part of an object's metadata that tests and the demo read. */
export interface ObjectMetadata {
  readonly name?: string;
  readonly generateName?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** An answer of the API server as it came, whatever its status. */
export interface ApiAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests assert on JSON whose shape is what they test.
  readonly body: any;
  /** What `kubectl` prints as `Warning:`. */
  readonly warnings: readonly string[];
}

/**
 * The tests' own way to the API server: small, without retries, and not the code under test.
 */
export interface Api {
  readonly server: string;
  readonly authorityPem: string;
  /** One call; any answer is a value, only a failed connection throws. */
  readonly call: (method: string, path: string, options?: CallOptions) => Promise<ApiAnswer>;
  /** POST of an object; throws unless it was created. */
  readonly create: (path: string, object: object) => Promise<ApiAnswer>;
  /** GET; `undefined` when there is none. */
  // biome-ignore lint/suspicious/noExplicitAny: tests assert on JSON whose shape is what they test.
  readonly get: (path: string) => Promise<any>;
  /** Server-side apply of one object to its path. */
  readonly apply: (path: string, object: object) => Promise<ApiAnswer>;
  /** Merge patch; `subresource` paths work as well. */
  readonly merge: (path: string, patch: object) => Promise<ApiAnswer>;
  /** DELETE; an object that is not there is no error. */
  readonly remove: (path: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Details of one call. */
export interface CallOptions {
  readonly body?: unknown;
  readonly contentType?: string;
  /** What form the answer has, such as the table that `kubectl get` prints; JSON unless told. */
  readonly accept?: string;
  readonly query?: Readonly<Record<string, string>>;
}

/** The API server must answer within this, or the test's own deadline says less. */
const answerTimeoutMs = 30_000;
const throttledTriesMax = 5;

/** Opens the API server that a kubeconfig of the test plane names (one cluster, one token). */
export function openApi(kubeconfigPath: string): Api {
  const config = parse(readFileSync(kubeconfigPath, 'utf8')) as Kubeconfig;
  const cluster = config.clusters[0]?.cluster;
  const token = config.users[0]?.user.token;
  if (cluster === undefined || token === undefined) {
    throw new Error(`Expected ${kubeconfigPath} to hold one cluster and one token.`);
  }
  const authorityPem = Buffer.from(cluster['certificate-authority-data'], 'base64').toString();
  return apiOf({ server: cluster.server, authorityPem, token });
}

interface Kubeconfig {
  readonly clusters: readonly {
    readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string };
  }[];
  readonly users: readonly { readonly user: { readonly token?: string } }[];
}

/** How to reach an API server as somebody. */
export interface Access {
  readonly server: string;
  readonly authorityPem: string;
  readonly token: string;
}

/** A kubeconfig for `access`, as YAML (which JSON is). */
export function kubeconfigFor(access: Access, namespace = 'default'): string {
  const data = Buffer.from(access.authorityPem).toString('base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'plane', cluster: { server: access.server, 'certificate-authority-data': data } },
    ],
    users: [{ name: 'user', user: { token: access.token } }],
    contexts: [{ name: 'plane', context: { cluster: 'plane', user: 'user', namespace } }],
    'current-context': 'plane',
  };
  return JSON.stringify(config, null, 2);
}

/** Opens an API server as somebody. */
export function apiOf(access: Access): Api {
  const agent = new Agent({
    connect: { ca: access.authorityPem },
    headersTimeout: answerTimeoutMs,
    allowH2: false,
  });
  const call: Api['call'] = async (method, path, options = {}) => {
    if (/\/secrets(\/|$)/.test(path)) keepSecretObject(options.body);
    let answer = await once(agent, access, { method, path, ...options });
    // A fresh API server says 429 with Retry-After until its storage is ready for a new kind.
    for (
      let tries = 1;
      answer.retryAfterMs !== undefined && tries < throttledTriesMax;
      tries += 1
    ) {
      await delay(answer.retryAfterMs);
      answer = await once(agent, access, { method, path, ...options });
    }
    return answer;
  };
  return { server: access.server, authorityPem: access.authorityPem, call, ...verbs(call, agent) };
}

async function once(
  dispatcher: Agent,
  access: Access,
  call: CallOptions & { readonly method: string; readonly path: string },
): Promise<ApiAnswer & { readonly retryAfterMs: number | undefined }> {
  const url = new URL(call.path, access.server);
  for (const [key, value] of Object.entries(call.query ?? {})) url.searchParams.set(key, value);
  const headers: Record<string, string> = {
    authorization: `Bearer ${access.token}`,
    accept: call.accept ?? 'application/json',
  };
  if (call.body !== undefined) headers['content-type'] = call.contentType ?? 'application/json';
  const answer = await request(url, {
    method: call.method as 'GET',
    dispatcher,
    headers,
    body: call.body === undefined ? null : JSON.stringify(call.body),
  });
  const retry = answer.statusCode === 429 ? answer.headers['retry-after'] : undefined;
  return {
    status: answer.statusCode,
    body: parseBody(await answer.body.text()),
    warnings: warningsOf(answer.headers['warning']),
    retryAfterMs: retry === undefined ? undefined : Number(retry) * 1000,
  };
}

function verbs(call: Api['call'], agent: Agent): Omit<Api, 'server' | 'authorityPem' | 'call'> {
  const patch = async (path: string, body: object, contentType: string) => {
    const apply = contentType === 'application/apply-patch+yaml';
    const query: Record<string, string> = apply ? { fieldManager: 'test', force: 'true' } : {};
    return ensure(await call('PATCH', path, { body, contentType, query }), `PATCH ${path}`);
  };
  return {
    create: async (path, body) => ensure(await call('POST', path, { body }), `POST ${path}`),
    get: async (path) => {
      const answer = await call('GET', path);
      return answer.status === 404 ? undefined : ensure(answer, `GET ${path}`).body;
    },
    apply: (path, body) => patch(path, body, 'application/apply-patch+yaml'),
    merge: (path, body) => patch(path, body, 'application/merge-patch+json'),
    remove: async (path) => {
      const answer = await call('DELETE', path);
      if (answer.status !== 404) ensure(answer, `DELETE ${path}`);
    },
    close: () => agent.close(),
  };
}

function ensure(answer: ApiAnswer, what: string): ApiAnswer {
  if (answer.status < 300) return answer;
  throw new Error(`${what} answered ${answer.status}: ${answer.body?.message ?? answer.body}`);
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** `299 - "text"`, several in one header or in several. */
function warningsOf(header: string | string[] | undefined): string[] {
  const joined = Array.isArray(header) ? header.join(', ') : (header ?? '');
  return [...joined.matchAll(/299 \S+ ("(?:[^"\\]|\\.)*")/g)].map(([, quoted]) =>
    (quoted ?? '').slice(1, -1).replaceAll(/\\(.)/g, '$1'),
  );
}
