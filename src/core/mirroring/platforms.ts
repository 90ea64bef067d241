/** A platform as the configuration names it: what is left out is any. */
export interface Platform {
  readonly os?: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** A platform as an index names it. */
export interface IndexPlatform {
  readonly os: string;
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

/** Whether a copy keeps this platform of its source's index. */
export function keepsPlatform(kept: 'all' | readonly Platform[], platform: IndexPlatform): boolean {
  return kept === 'all' || kept.some((one) => matchesPlatform(one, platform));
}

/** The configured platforms that none of an index's platforms is, as statuses write them; sorted. */
export function missingPlatforms(
  kept: 'all' | readonly Platform[],
  had: readonly IndexPlatform[],
): readonly string[] {
  if (kept === 'all') return [];
  const missing = kept.filter((one) => !had.some((platform) => matchesPlatform(one, platform)));
  return [...new Set(missing.map(formatPlatform))].sort();
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

function matchesPlatform(wanted: Platform, had: IndexPlatform): boolean {
  const { os, architecture, variant } = wanted;
  if (os !== undefined && os !== '' && os !== had.os) return false;
  if (architecture !== had.architecture) return false;
  if (variant === undefined || variant === '') return true;
  return variantOf(architecture, variant) === variantOf(architecture, had.variant);
}

/** What is meant where no variant is written, as containerd reads it. */
const usualVariants: Readonly<Record<string, string>> = { amd64: 'v1', arm64: 'v8', arm: 'v7' };

function variantOf(architecture: string, variant = ''): string {
  return variant === '' ? (usualVariants[architecture] ?? '') : variant;
}
