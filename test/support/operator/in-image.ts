import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type PodCommand,
  type PodIdentity,
  serviceAccountPath,
} from '#test/support/api-server/in-pod.ts';
import type { UnpackedImage } from './unpacked-image.ts';

/** What the kubelet brings besides the image. */
export interface ContainerOptions {
  readonly identity?: PodIdentity;
  /** Texts by the paths at which they are mounted. */
  readonly files?: Readonly<Record<string, string>>;
}

/**
 * A command of an image as a kubelet would start it where its root is read-only: the image's own
 * files and what is mounted, the image's own entry point and environment, and its user. Whoever is
 * not root here has root's number inside, and no more rights than before.
 */
export function inImage(
  { root, configuration }: UnpackedImage,
  args: readonly string[],
  { identity, files = {} }: ContainerOptions = {},
): PodCommand {
  const { User, Env, Entrypoint } = configuration.config;
  const [uid = 0, gid = 0] = User.split(':').map(Number);
  const isRoot = process.getuid?.() === 0;
  for (const [path, text] of Object.entries({ ...mountedBy(identity), ...files })) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
    writeFileSync(file, text, { mode: 0o400 });
    if (isRoot) chownSync(file, uid, gid);
  }
  const ownMounts = isRoot ? ['--mount'] : ['--map-root-user', '--mount'];
  const user = isRoot ? User : '0:0';
  return {
    command: 'unshare',
    args: [...ownMounts, 'sh', '-ec', readOnlyRoot, root, user, ...Entrypoint, ...args],
    env: {
      ...Object.fromEntries(Env.map((one) => one.split(/=(.*)/s).slice(0, 2))),
      ...serverOf(identity),
    },
  };
}

function mountedBy(identity: PodIdentity | undefined): Readonly<Record<string, string>> {
  if (identity === undefined) return {};
  const { token, authorityPem, namespace } = identity;
  return {
    [join(serviceAccountPath, 'token')]: token,
    [join(serviceAccountPath, 'ca.crt')]: authorityPem,
    [join(serviceAccountPath, 'namespace')]: namespace,
  };
}

function serverOf(identity: PodIdentity | undefined): Readonly<Record<string, string>> {
  if (identity === undefined) return {};
  const { hostname, port } = new URL(identity.server);
  return { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
}

/** The process keeps the id that the shell had; what is mounted is gone with it. */
const readOnlyRoot = `
  mount --bind "$0" "$0"
  mount -o remount,bind,ro "$0"
  user="$1"
  shift
  exec /usr/sbin/chroot --userspec="$user" "$0" "$@"
`;
