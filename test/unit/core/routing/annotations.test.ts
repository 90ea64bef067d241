import { describe, expect, test } from 'vitest';
import {
  ORIGINAL_IMAGES,
  ROUTING_ANNOTATIONS,
  readContainerAnnotation,
  writeContainerAnnotation,
} from '#core/routing/annotations.ts';

const read = (text: unknown) => [
  ...readContainerAnnotation({ [ORIGINAL_IMAGES]: text }, ORIGINAL_IMAGES),
];

describe('the annotations of a rewritten Pod', () => {
  test('are the three that kuik v2 and its users know', () => {
    expect(ROUTING_ANNOTATIONS).toEqual([
      'kuik.enix.io/original-images',
      'kuik.enix.io/rewritten-by',
      'kuik.enix.io/reason',
    ]);
  });

  test('read back as they were written, in their order', () => {
    const entries: [string, string][] = [
      ['init:a', 'quay.io/a:1'],
      ['b', 'b "quoted"\n'],
      ['volume:c', 'c'],
      ['__proto__', 'x'],
    ];
    expect(read(writeContainerAnnotation(new Map(entries)))).toEqual(entries);
  });

  test.each([undefined, null, 1, '', '{', '[]', '[["app","x"]]', 'null', '"x"', '{"app":{}}'])(
    'count as absent when one is %o',
    (text) => {
      expect(read(text)).toEqual([]);
    },
  );

  test('count as absent where only the prototype has them', () => {
    expect(readContainerAnnotation({}, 'toString').size).toBe(0);
  });
});
