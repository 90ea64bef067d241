import { keptPlatforms, type PlatformsSetting } from '#core/mirroring/platforms.ts';
import type { CopyRequest } from '#oci/copy.ts';

/** The platforms that copies keep, as `mirroring.platforms` and the nodes have it now. */
export function copiedPlatforms(
  setting: PlatformsSetting,
  nodeArchitectures: Iterable<string>,
): CopyRequest['platforms'] {
  const kept = keptPlatforms(setting, nodeArchitectures);
  return kept === 'all' ? kept : kept.map((platform) => ({ os: 'linux', ...platform }));
}
