import { describe, expect, test } from 'vitest';
import { createInterner, internRecord, internText } from '#kube/intern.ts';

describe('an interner', () => {
  test('gives one copy of equal maps, which nobody can change', () => {
    const interner = createInterner();
    const first = internRecord(interner, { app: 'x' });
    expect(internRecord(interner, { app: 'x' })).toBe(first);
    expect(Object.isFrozen(first)).toBe(true);
    expect(internRecord(interner, { app: 'y' })).not.toBe(first);
  });

  test('holds on to nothing long: whoever makes Pods with long annotations fills no memory', () => {
    const interner = createInterner();
    for (let n = 0; n < 10; n += 1) {
      const text = `${n}`.repeat(2_000);
      expect(internText(interner, text)).toBe(text);
      expect(internRecord(interner, { 'kuik.enix.io/original-images': text })).toEqual({
        'kuik.enix.io/original-images': text,
      });
    }
    expect([...interner.texts.keys()]).toEqual(['kuik.enix.io/original-images']);
    expect(interner.records.size).toBe(0);
  });

  test('begins anew when it is full, however many different texts there are', () => {
    const interner = createInterner();
    for (let n = 0; n < 50_000; n += 1) internRecord(interner, { name: `${n}` });
    expect(interner.texts.size).toBeLessThanOrEqual(20_000);
    expect(interner.records.size).toBeLessThanOrEqual(20_000);
    expect(internRecord(interner, { name: 'x' })).toEqual({ name: 'x' });
  });
});
