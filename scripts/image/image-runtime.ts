/** The user that the image runs as: a number, so that Kubernetes sees that it is not root. */
export const userId = 65_532;

/** Where the image keeps what it is made of; absolute, as the Dockerfile has it. */
export const imagePaths = {
  application: '/opt/kuik',
  node: '/usr/local/bin/node',
  /** What is started, and what `kubectl exec deploy/kuik -- kuik …` finds: it has Node's flags. */
  launcher: '/usr/local/bin/kuik',
} as const;

/** What a container runtime reads of an image. */
export const runtimeConfiguration = {
  User: `${userId}:${userId}`,
  Env: ['PATH=/usr/local/bin:/usr/bin:/bin', 'NODE_ENV=production'],
  Entrypoint: [imagePaths.launcher],
  Cmd: ['operator'],
  WorkingDir: imagePaths.application,
} as const;

/** The architectures that an image is made for, as OCI names them. */
export const architectures = ['amd64', 'arm64'] as const;

/** One of them. */
export type Architecture = (typeof architectures)[number];

/** The architecture of this machine where an image can be made for it. */
export function machineArchitecture(): Architecture | undefined {
  const name = process.arch === 'x64' ? 'amd64' : process.arch;
  return architectures.find((one) => one === name && process.platform === 'linux');
}
