import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { imagePaths } from './image-runtime.ts';
import type { LayerEntry } from './layer.ts';
import { shippedPackages } from './shipped-packages.ts';

/** What of the repository is in the image besides its dependencies: as the Dockerfile copies it. */
export const applicationSources = ['package.json', 'LICENSE', 'src'] as const;

/** Where the launcher is in the repository. */
export const launcherSource = 'scripts/image/kuik';

/** Kuik itself: its sources, which run as they are, and the packages that they ask for. */
export function applicationEntries(root: string): readonly LayerEntry[] {
  const own = applicationSources.flatMap((name) => filesBelow(root, name));
  const packages = shippedPackages(root).packages.flatMap(({ path }) => filesBelow(root, path));
  const below = imagePaths.application.slice(1);
  return [
    ...[...own, ...packages].map((path) => fileEntry(join(root, path), `${below}/${path}`)),
    fileEntry(join(root, launcherSource), imagePaths.launcher.slice(1), true),
  ];
}

function fileEntry(file: string, path: string, isExecutable = false): LayerEntry {
  return { kind: 'file', path, content: readFileSync(file), isExecutable };
}

/** What lies in a package's own `node_modules` is packages of their own, each with its entry. */
function filesBelow(root: string, path: string): string[] {
  const entries = tryRead(join(root, path));
  if (entries === undefined) return [path];
  return entries
    .filter((entry) => entry.name !== 'node_modules')
    .flatMap((entry) => {
      const below = `${path}/${entry.name}`;
      return entry.isDirectory() ? filesBelow(root, below) : [below];
    });
}

function tryRead(directory: string) {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw error;
  }
}
