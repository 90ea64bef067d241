import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '#test/support/api-server/api.ts';
import { objectPath } from '#test/support/api-server/chart.ts';
import { admin } from '#test/support/api-server/plane.ts';

/**
 * Applies a file of docs/examples for the running test, with what it names (registries, namespaces)
 * put in the place of others and nothing else changed; answers with the paths of its objects.
 */
export async function applyExample(
  file: string,
  names: Readonly<Record<string, string>> = {},
): Promise<readonly string[]> {
  const path = join(import.meta.dirname, '../../../docs/examples', file);
  let text = readFileSync(path, 'utf8').replaceAll('\\\\.', '.');
  for (const [name, ours] of Object.entries(names)) {
    if (!text.includes(name)) throw new Error(`Expected ${file} to name ${name}.`);
    text = text.replaceAll(name, ours);
  }
  const objects = parseAllDocuments(text).map((document) => document.toJS() as KubeObject);
  return await Promise.all(
    objects.map(async (object) => {
      const place = objectPath(object);
      onTestFinished(() => admin().remove(place));
      await admin().apply(place, object);
      return place;
    }),
  );
}
