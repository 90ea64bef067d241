/** A platform as the configuration or an index names it: what the former leaves out is any. */
export interface Platform {
  readonly os?: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** `mirroring.platforms` as configured. */
export type PlatformsSetting = 'all' | 'auto' | readonly Platform[];

/**
 * The platforms that copies keep; `all` where nothing is cut. `auto` are the architectures of the
 * nodes: where no node is known yet, nothing may be left out.
 */
export function keptPlatforms(
  setting: PlatformsSetting,
  nodeArchitectures: Iterable<string>,
): 'all' | readonly Platform[] {
  if (setting !== 'auto') return setting;
  const architectures = [...new Set(nodeArchitectures)].filter(Boolean).sort();
  return architectures.length === 0
    ? 'all'
    : architectures.map((architecture) => ({ architecture }));
}

/** `os/architecture[/variant]`, as statuses write it. */
export function formatPlatform({ os = 'linux', architecture, variant }: Platform): string {
  const written = `${os}/${architecture}`;
  return variant === undefined || variant === '' ? written : `${written}/${variant}`;
}

/**
 * Whether a copy may be offered to Pods that may run on these architectures: a whole copy always, a
 * cut one where it holds all of them (behaviour §5). Of no architecture nothing is known.
 */
export function coversArchitectures(
  platforms: readonly string[] | undefined,
  architectures: readonly string[],
): boolean {
  if (platforms === undefined) return true;
  const held = new Set(platforms.map((platform) => platform.split('/')[1] ?? ''));
  return architectures.every((architecture) => held.has(architecture));
}

/** Whether an index's platform is one that was configured; what that leaves out is any. */
export function matchesPlatform(wanted: Platform, had: Platform): boolean {
  const { os, variant } = wanted;
  if (os !== undefined && os !== '' && os !== had.os) return false;
  const architecture = architectureOf(wanted);
  if (architecture !== architectureOf(had)) return false;
  if (variant === undefined || variant === '') return true;
  return variantOf(architecture, variant) === variantOf(architecture, had.variant);
}

/** As kernels write them, and as images do. */
const architectures: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  aarch64: 'arm64',
  armhf: 'arm',
};
/** What is meant where no variant is written, as containerd reads it. */
const usualVariants: Readonly<Record<string, string>> = { amd64: 'v1', arm64: 'v8', arm: 'v7' };

function architectureOf({ architecture }: Platform): string {
  return architectures[architecture] ?? architecture;
}

function variantOf(architecture: string, variant = ''): string {
  return variant === '' ? (usualVariants[architecture] ?? '') : variant;
}
