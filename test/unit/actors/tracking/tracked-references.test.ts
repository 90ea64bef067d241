import { expect, test } from 'vitest';
import { TrackedReferences } from '#actors/tracking/tracked-references.ts';
import { parseReference } from '#core/image/reference.ts';

function referenceOf(image: string) {
  const parsed = parseReference(image);
  if (!parsed.ok) throw new Error(parsed.error.message);
  return parsed.value;
}

test('how many images each registry has is kept up with what comes and goes', () => {
  const references = new TrackedReferences();
  for (const image of ['quay.io/a/one:1', 'quay.io/a/two:1', 'docker.io/library/nginx:1']) {
    references.set(image, referenceOf(image));
  }
  // Once more is not one more.
  references.set('quay.io/a/one:1', referenceOf('quay.io/a/one:1'));
  expect(Object.fromEntries(references.counts())).toEqual({ 'quay.io': 2, 'docker.io': 1 });
  references.delete('docker.io/library/nginx:1');
  references.delete('docker.io/library/nginx:1');
  references.delete('quay.io/a/two:1');
  expect(Object.fromEntries(references.counts())).toEqual({ 'quay.io': 1 });
  expect([...references.all().keys()]).toEqual(['quay.io/a/one:1']);
});
