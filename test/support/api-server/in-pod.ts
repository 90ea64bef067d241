import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where a Pod finds its service account. */
export const serviceAccountPath = '/var/run/secrets/kubernetes.io/serviceaccount';

/** What Kubernetes gives a Pod to reach its API server with. */
export interface PodIdentity {
  /** `https://127.0.0.1:6443`. */
  readonly server: string;
  readonly authorityPem: string;
  readonly token: string;
  readonly namespace: string;
}

/** A command and what it is started with. */
export interface PodCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Whether this machine lets a process have mounts of its own, as a container has. */
export function canBeInPod(): boolean {
  return spawnSync('unshare', [...ownMounts, 'mount', '-t', 'tmpfs', 'tmpfs', '/run']).status === 0;
}

/**
 * The same command, which finds its service account where every Pod does: the files are mounted for
 * it alone, and it keeps the process id that the shell had.
 */
export function inPod(
  { command, args, mounts = '' }: Pick<PodCommand, 'command' | 'args'> & { mounts?: string },
  { server, authorityPem, token, namespace }: PodIdentity,
  directory: string,
): PodCommand {
  const files = join(directory, 'service-account');
  mkdirSync(files, { mode: 0o700 });
  const contents = { token, 'ca.crt': authorityPem, namespace };
  for (const [name, text] of Object.entries(contents)) {
    writeFileSync(join(files, name), text, { mode: 0o600 });
  }
  const { hostname, port } = new URL(server);
  return {
    command: 'unshare',
    args: [
      ...ownMounts,
      'sh',
      '-ec',
      mountAndRun,
      serviceAccountPath,
      files,
      mounts,
      command,
      ...args,
    ],
    env: { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port },
  };
}

const ownMounts = ['--map-root-user', '--mount'];

/** `/var/run` is `/run`, which only root may write; an empty one stands before it. */
const mountAndRun = `
  mount -t tmpfs tmpfs /run
  mkdir -p "$0"
  mount --bind "$1" "$0"
  eval "$2"
  shift 2
  exec "$@"
`;
