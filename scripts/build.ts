import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'rolldown';
import manifest from '#package' with { type: 'json' };

/**
 * `npm run build`: the shipped form, `dist/kuik.mjs` and what it loads when it needs it
 * (docs/adr/0014). It holds every package that it uses but the optional ones.
 */
export async function buildBundle(directory: string): Promise<void> {
  rmSync(directory, { recursive: true, force: true });
  await build({
    cwd: root,
    input: { kuik: join(root, 'src', 'main.ts') },
    platform: 'node',
    external: Object.keys(manifest.optionalDependencies),
    output: {
      dir: directory,
      format: 'esm',
      // White space and comments go, names stay: a stack trace must be readable.
      minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
      keepNames: true,
      // The same sources give the same names, so that a layer of the image has the same digest.
      entryFileNames: '[name].mjs',
      chunkFileNames: '[name]-[hash].mjs',
    },
  });
}

const root = join(import.meta.dirname, '..');

if (import.meta.main) await buildBundle(join(root, 'dist'));
