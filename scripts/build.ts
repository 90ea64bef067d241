import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'rolldown';
import { pageFiles } from '#http/page-assets.ts';
import manifest from '#package' with { type: 'json' };
import { thirdPartyNotices } from './bundle/notices.ts';

const root = join(import.meta.dirname, '..');

/**
 * `npm run build`: the shipped form, `dist/kuik.cjs` and what it loads when it needs it
 * (docs/adr/0014). It holds every package that it uses but the optional ones.
 */
export async function buildBundle(directory: string): Promise<void> {
  rmSync(directory, { recursive: true, force: true });
  const { output } = await build({
    write: false,
    cwd: root,
    input: { kuik: join(root, 'src', 'main.ts') },
    platform: 'node',
    external: Object.keys(manifest.optionalDependencies),
    resolve: { alias: { undici: join(root, 'scripts', 'bundle', 'undici.cjs') } },
    output: {
      // Not ES modules: importing `node:http` as one reads all its exports, among them a second
      // HTTP client, which takes 45 ms and 5 MB.
      format: 'cjs',
      // White space and comments go, names stay: a stack trace must be readable.
      minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
      keepNames: true,
      // The same sources give the same names, so that a layer of the image has the same digest.
      entryFileNames: '[name].cjs',
      chunkFileNames: '[name]-[hash].cjs',
    },
  });
  mkdirSync(directory, { recursive: true });
  for (const file of output) {
    if (file.type !== 'chunk') throw new Error(`Expected nothing but code, got ${file.fileName}.`);
    writeFileSync(join(directory, file.fileName), escapeNonAscii(file.code));
  }
  writeFileSync(join(directory, 'NOTICES.txt'), thirdPartyNotices(root));
  await copyPage(join(directory, 'page'));
}

/** What browsers load is no code of the operator's: it lies beside it, as it was written. */
async function copyPage(directory: string): Promise<void> {
  for (const [path, file] of await pageFiles()) {
    const target = join(directory, path);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(file, target);
  }
}

/** V8 keeps a text with any other character in it at two bytes a character, and ours are large. */
function escapeNonAscii(code: string): string {
  return code.replaceAll(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

if (import.meta.main) await buildBundle(join(root, 'dist'));
