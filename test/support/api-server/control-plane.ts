import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { findBinaries } from '#test/support/binaries/binaries.ts';
import {
  type Child,
  freePorts,
  lastLines,
  startChild,
} from '#test/support/processes/child-process.ts';
import { temporaryDirectory } from '#test/support/processes/guardian.ts';
import { makeAuthority } from '#test/support/registries/tls.ts';
import { untilReady } from '#test/support/time/eventually.ts';
import { type Api, apiOf, kubeconfigFor } from './api.ts';

/** A real etcd and kube-apiserver on loopback, with our CRDs in it, and the controllers if asked. */
export interface ControlPlane {
  readonly server: string;
  /** Path of a kubeconfig with every right. */
  readonly adminKubeconfig: string;
  readonly admin: Api;
  /** Its processes, with their logs. */
  readonly children: readonly Child[];
  /** Ends the API server at once and starts it again at the same address with the same data. */
  readonly restartApiServer: () => Promise<void>;
  /** Ends all of it; nothing is left on disk. */
  readonly stop: () => Promise<void>;
}

/** What a plane may do differently. */
export interface ControlPlaneOptions {
  /** Whether `crds/` is applied; `true` unless told. */
  readonly crds?: boolean;
  /**
   * Whether kube-controller-manager runs; `true` unless told. Without it nobody collects what has
   * lost its owner, empties a deleted namespace or makes Pods, and a first run builds a third less.
   */
  readonly controllers?: boolean;
}

/** Somebody else may take a port between our look and the bind. */
const startTriesMax = 3;
const etcdReadyMs = 20_000;
const apiServerReadyMs = 60_000;
/** Starts a plane; it is ready for Pods when this resolves, in about four seconds. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await tryStart(options);
    } catch (error) {
      const lost = String(error).includes('address already in use');
      if (!lost || attempt >= startTriesMax) throw error;
    }
  }
}

interface Site {
  readonly directory: string;
  readonly authorityPem: string;
  readonly token: string;
  readonly etcdPort: number;
  readonly peerPort: number;
  readonly apiPort: number;
  readonly managerPort: number;
}

async function tryStart(options: ControlPlaneOptions): Promise<ControlPlane> {
  const withControllers = options.controllers !== false;
  const [etcd = '', apiServer = '', manager = ''] = await findBinaries([
    'etcd',
    'kube-apiserver',
    ...(withControllers ? (['kube-controller-manager'] as const) : []),
  ]);
  const directory = temporaryDirectory('plane');
  const children: Child[] = [];
  const site = await prepareSite(directory.path);
  const server = `https://127.0.0.1:${site.apiPort}`;
  const { authorityPem } = site;
  const admin = apiOf({ server, authorityPem, token: site.token });
  const stop = async () => {
    await admin.close();
    // The data go with the processes, so that nobody has to be given time to save them.
    await Promise.all(children.map((child) => child.stop('SIGKILL', 0)));
    directory.remove();
  };
  try {
    const run = async (name: string, command: string, args: readonly string[]) => {
      const logFile = join(site.directory, `${name}.log`);
      const child = await startChild({ name, command, args, logFile });
      children.push(child);
      return child;
    };
    const store = await run('etcd', etcd, etcdArguments(site));
    await healthy(store, `http://127.0.0.1:${site.etcdPort}/health`, etcdReadyMs);
    const runApiServer = async () => {
      const api = await run('kube-apiserver', apiServer, apiServerArguments(site));
      await answers(api, () => admin.call('GET', '/readyz'), apiServerReadyMs);
      return api;
    };
    let api = await runApiServer();
    // Before the manager: its garbage collector looks for new kinds only every 30 s.
    if (options.crds !== false) await applyCrds(admin);
    if (withControllers) {
      await run('kube-controller-manager', manager, managerArguments(site));
      await untilReady('the default service account is there', () =>
        admin.get('/api/v1/namespaces/default/serviceaccounts/default'),
      );
    }
    const adminKubeconfig = join(site.directory, 'admin.kubeconfig');
    const restartApiServer = async () => {
      await api.stop('SIGKILL', 0);
      api = await runApiServer();
    };
    return { server, adminKubeconfig, admin, children, restartApiServer, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** This machine's loopback and the API server's own Service. */
const serverNames = [
  ...['localhost', '127.0.0.1', '::1'],
  ...['kubernetes', 'kubernetes.default', 'kubernetes.default.svc'],
];

async function prepareSite(directory: string): Promise<Site> {
  const authority = await makeAuthority('kuik test authority');
  const certificate = await authority.issue({ names: serverNames });
  const token = randomBytes(16).toString('hex');
  const [etcdPort = 0, peerPort = 0, apiPort = 0, managerPort = 0] = await freePorts(4);
  const signing = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const server = `https://127.0.0.1:${apiPort}`;
  const authorityPem = authority.pem;
  const files: Record<string, string> = {
    'authority.crt': authorityPem,
    'server.crt': certificate.certificatePem,
    'server.key': certificate.keyPem,
    'service-account.key': signing.privateKey,
    'service-account.pub': signing.publicKey,
    'tokens.csv': `${token},admin,admin,"system:masters"\n`,
    'admin.kubeconfig': kubeconfigFor({ server, authorityPem, token }),
  };
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(directory, name), content, { mode: 0o600 });
  }
  return { directory, authorityPem, token, etcdPort, peerPort, apiPort, managerPort };
}

function etcdArguments(site: Site): string[] {
  const client = `http://127.0.0.1:${site.etcdPort}`;
  const peer = `http://127.0.0.1:${site.peerPort}`;
  return [
    '--name=plane',
    `--data-dir=${join(site.directory, 'etcd')}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=plane=${peer}`,
    // The data live as long as the process: no need to wait for the disk.
    '--unsafe-no-fsync',
    '--log-level=warn',
  ];
}

function apiServerArguments(site: Site): string[] {
  const file = (name: string) => join(site.directory, name);
  return [
    `--etcd-servers=http://127.0.0.1:${site.etcdPort}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${site.apiPort}`,
    `--tls-cert-file=${file('server.crt')}`,
    `--tls-private-key-file=${file('server.key')}`,
    '--authorization-mode=RBAC',
    `--token-auth-file=${file('tokens.csv')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${file('service-account.pub')}`,
    `--service-account-signing-key-file=${file('service-account.key')}`,
    '--service-cluster-ip-range=10.96.0.0/16',
    '--feature-gates=ImageVolume=true',
    '--allow-privileged=true',
    // It would refuse to publish a loopback address as the endpoint of the kubernetes Service.
    '--endpoint-reconciler-type=none',
    '--profiling=false',
  ];
}

/**
 * The controllers that our behaviour meets: owners, namespaces, service accounts, and the ones
 * that make Pods. Not the collector of orphaned Pods: tests name nodes that do not exist.
 */
const controllers = [
  'garbage-collector-controller',
  'namespace-controller',
  'serviceaccount-controller',
  'serviceaccount-token-controller',
  'root-ca-certificate-publisher-controller',
  'deployment-controller',
  'replicaset-controller',
  'statefulset-controller',
  'job-controller',
];

function managerArguments(site: Site): string[] {
  const file = (name: string) => join(site.directory, name);
  return [
    `--kubeconfig=${file('admin.kubeconfig')}`,
    '--leader-elect=false',
    '--bind-address=127.0.0.1',
    `--secure-port=${site.managerPort}`,
    `--controllers=${controllers.join(',')}`,
    `--service-account-private-key-file=${file('service-account.key')}`,
    `--root-ca-file=${file('authority.crt')}`,
    '--profiling=false',
  ];
}

async function applyCrds(admin: Api): Promise<void> {
  const directory = join(import.meta.dirname, '..', '..', '..', 'crds');
  const base = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const names = readdirSync(directory)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => {
      const object = parse(readFileSync(join(directory, file), 'utf8'));
      return { object, path: `${base}/${object.metadata.name}` };
    });
  await Promise.all(names.map(({ object, path }) => admin.apply(path, object)));
  for (const { path } of names) {
    await untilReady(`${path} is established`, async () => {
      const crd = await admin.get(path);
      const conditions: { type: string; status: string }[] = crd?.status?.conditions ?? [];
      return conditions.some(({ type, status }) => type === 'Established' && status === 'True');
    });
  }
}

async function healthy(child: Child, url: string, withinMs: number): Promise<void> {
  const look = async () => ({ status: (await fetch(url)).status });
  await answers(child, look, withinMs);
}

/** Waits for a 200; ends at once, with the log, when the process does. */
async function answers(
  child: Child,
  look: () => Promise<{ readonly status: number }>,
  withinMs: number,
): Promise<void> {
  const ready = async () => {
    if (child.exit() !== undefined) return 'ended' as const;
    return (await look()).status === 200 ? ('ready' as const) : undefined;
  };
  try {
    const outcome = await untilReady(`${child.name} is ready`, ready, { withinMs });
    if (outcome === 'ready') return;
  } catch (error) {
    throw new Error(`${child.name} was not ready:\n${lastLines(child)}`, { cause: error });
  }
  throw new Error(`${child.name} ended before it was ready:\n${lastLines(child)}`);
}
