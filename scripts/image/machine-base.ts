import { readFile } from 'node:fs/promises';
import { fail, type Result, succeed } from '#core/result.ts';
import { type Architecture, imagePaths, machineArchitecture } from './image-runtime.ts';
import type { LayerEntry } from './layer.ts';
import { runCommand } from './run-command.ts';
import { systemFiles } from './system-files.ts';

/**
 * The libraries of this machine, for trying an image out where nothing can be reached: no Debian, no
 * registry of images or packages. Another machine makes another image of it.
 */
export async function machineBase(
  architecture: Architecture,
): Promise<Result<readonly LayerEntry[], string>> {
  const own = machineArchitecture();
  if (architecture !== own) {
    return fail(`This machine has libraries for ${own ?? 'no image'}, none for ${architecture}.`);
  }
  const linked = await runCommand('ldd', [process.execPath]);
  if (!linked.ok) return linked;
  const paths = [...linked.value.toString('utf8').matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)].map(
    ([, path = '']) => path,
  );
  const libraries = paths.map(async (path): Promise<LayerEntry> => {
    return { kind: 'file', path: path.slice(1), content: await readFile(path), isExecutable: true };
  });
  return succeed([...systemFiles(), ...(await Promise.all(libraries))]);
}

/** The Node that runs this, which is the pinned one where npm started it. */
export async function machineNode(
  architecture: Architecture,
): Promise<Result<readonly LayerEntry[], string>> {
  if (architecture !== machineArchitecture()) {
    return fail(`This machine has no Node for ${architecture}.`);
  }
  const content = await readFile(process.execPath);
  return succeed([{ kind: 'file', path: imagePaths.node.slice(1), content, isExecutable: true }]);
}
