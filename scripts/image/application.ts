import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { buildBundle } from '../build.ts';
import { imagePaths } from './image-runtime.ts';
import type { LayerEntry } from './layer.ts';

/** What of the repository is in the image beside the bundle: as the Dockerfile copies it. */
export const applicationFiles = ['LICENSE'] as const;

/** Where the launcher is in the repository. */
export const launcherSource = 'scripts/image/kuik';

/** Kuik itself: the bundle, which holds all that it needs, and the launcher (docs/adr/0014). */
export async function applicationEntries(root: string): Promise<readonly LayerEntry[]> {
  const below = imagePaths.application.slice(1);
  const own = applicationFiles.map((name) => fileEntry(join(root, name), `${below}/${name}`));
  const launcher = fileEntry(join(root, launcherSource), imagePaths.launcher.slice(1), true);
  const directory = mkdtempSync(join(tmpdir(), 'kuik-bundle-'));
  try {
    await buildBundle(directory);
    const bundle = readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
      .toSorted();
    return [
      ...own,
      ...bundle.map((name) => fileEntry(join(directory, name), `${below}/dist/${name}`)),
      launcher,
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function fileEntry(file: string, path: string, isExecutable = false): LayerEntry {
  return { kind: 'file', path, content: readFileSync(file), isExecutable };
}
