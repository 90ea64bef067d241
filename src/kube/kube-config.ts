import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { fail, type Result, succeed } from '#core/result.ts';

/**
 * What one connection to the API server is made with, as TLS names it: no `ca` trusts the system's
 * authorities, and only a kubeconfig ever says not to verify.
 */
export interface KubeTransport
  extends Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'rejectUnauthorized' | 'servername'> {
  /** Only when the kubeconfig says so: the API server is never proxied by the environment. */
  readonly proxyUrl?: string;
}

/** How to reach an API server as somebody. */
export interface KubeAccess {
  /** `https://10.0.0.1:443`, without a trailing slash. */
  readonly server: string;
  /** The namespace of the context, or the Pod's own. */
  readonly namespace: string;
  /** Reads the TLS material anew: files rotate. */
  readonly transport: () => Promise<KubeTransport>;
  /** The `Authorization` header to send, fresh; `undefined` where a certificate speaks. */
  readonly authorization: () => Promise<string | undefined>;
}

/** Why no API server was found: what was looked for, and where. */
export interface KubeConfigProblem {
  readonly message: string;
}

const serviceAccountDefault = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Where to look; what the environment says is handed in, since only `config` reads it. */
export interface KubeConfigSource {
  /** `--kubeconfig`. */
  readonly kubeconfig?: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The directory of the service account; where Kubernetes mounts it unless told. */
  readonly serviceAccount?: string;
}

/**
 * Finds the API server: the given kubeconfig, else `KUBECONFIG`, else the Pod's service account,
 * else `~/.kube/config`.
 */
export async function loadKubeConfig(
  source: KubeConfigSource,
): Promise<Result<KubeAccess, KubeConfigProblem>> {
  const { environment, serviceAccount = serviceAccountDefault } = source;
  const named = source.kubeconfig ?? environment['KUBECONFIG'];
  if (named !== undefined && named !== '') return await fromFile(named);
  const inCluster = await fromServiceAccount(serviceAccount, environment);
  if (inCluster !== undefined) return inCluster;
  const usual = join(homedir(), '.kube', 'config');
  if (existsSync(usual)) return await fromFile(usual);
  return fail({
    message: `Expected an API server from --kubeconfig, KUBECONFIG, the service account in ${serviceAccount}, or ${usual}; found none of them.`,
  });
}

async function fromServiceAccount(
  directory: string,
  environment: KubeConfigSource['environment'],
): Promise<Result<KubeAccess, KubeConfigProblem> | undefined> {
  const host = environment['KUBERNETES_SERVICE_HOST'];
  const port = environment['KUBERNETES_SERVICE_PORT'] ?? '443';
  const tokenFile = join(directory, 'token');
  if (host === undefined || !existsSync(tokenFile)) return undefined;
  const namespaceFile = join(directory, 'namespace');
  const authorityFile = join(directory, 'ca.crt');
  const namespace = existsSync(namespaceFile) ? await readFile(namespaceFile, 'utf8') : 'default';
  return succeed({
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    namespace: namespace.trim(),
    transport: async () => ({ ca: await readFile(authorityFile, 'utf8') }),
    authorization: async () => `Bearer ${(await readFile(tokenFile, 'utf8')).trim()}`,
  });
}

async function fromFile(path: string): Promise<Result<KubeAccess, KubeConfigProblem>> {
  const library = await loadLibrary();
  if (library === undefined) return fail({ message: missingLibrary(path) });
  const config = new library.KubeConfig();
  let readAtMs: number;
  try {
    readAtMs = modifiedMs(path);
    config.loadFromFile(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return fail({ message: `Expected a kubeconfig at ${path}; reading it failed: ${reason}` });
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    const context = config.getCurrentContext();
    return fail({ message: `Expected the context "${context}" of ${path} to name a cluster.` });
  }
  const applied = async () => {
    // A file whose credentials somebody renews is read again; one that stands still is not, since
    // what its exec plugin answered is remembered with it.
    const changedAtMs = modifiedMs(path);
    if (changedAtMs !== readAtMs) config.loadFromFile(path);
    readAtMs = changedAtMs;
    const options: RequestOptions = {};
    await config.applyToHTTPSOptions(options);
    return options;
  };
  const context = config.getContextObject(config.getCurrentContext());
  return succeed({
    server: cluster.server.replace(/\/+$/, ''),
    namespace: context?.namespace ?? 'default',
    transport: async () => transportOf(await applied(), cluster),
    authorization: async () => authorizationOf(await applied()),
  });
}

/**
 * Loaded only for a kubeconfig: it costs 75 MB of memory, and 65 packages that the image, which
 * has a service account, does without (docs/adr/0014). Undefined where it is not installed.
 */
async function loadLibrary(): Promise<typeof import('@kubernetes/client-node') | undefined> {
  try {
    return await import('@kubernetes/client-node');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    return undefined;
  }
}

function missingLibrary(path: string): string {
  return `Expected a service account, as in a Pod, got the kubeconfig ${path}: reading one takes the package @kubernetes/client-node, which is not installed here, as it is not in the image.`;
}

function modifiedMs(path: string): number {
  return statSync(path).mtimeMs;
}

/** What a kubeconfig does not say is left out, so that the defaults of TLS stand. */
function transportOf(
  { ca, cert, key, rejectUnauthorized }: RequestOptions,
  cluster: { readonly tlsServerName?: string; readonly proxyUrl?: string },
): KubeTransport {
  const { tlsServerName: servername, proxyUrl } = cluster;
  const said = Object.entries({ ca, cert, key, rejectUnauthorized, servername, proxyUrl });
  return Object.fromEntries(said.filter(([, value]) => value === false || value));
}

function authorizationOf(options: RequestOptions): string | undefined {
  if (options.auth) return `Basic ${Buffer.from(options.auth).toString('base64')}`;
  const headers = (options.headers ?? {}) as Readonly<Record<string, unknown>>;
  const found = headers['Authorization'] ?? headers['authorization'];
  return found === undefined ? undefined : String(found);
}
