import { describe, expect, test } from 'vitest';
import { CopyQueue, copyLevel } from '#core/mirroring/copy-queue.ts';

function drain(queue: CopyQueue<string>, count = queue.size) {
  return Array.from({ length: count }, () => queue.dequeue());
}

describe('the queue of a mirror target', () => {
  test('lets those go first for which Pods wait, then what was lost, then what is in use', () => {
    const queue = new CopyQueue<string>();
    for (const level of ['rest', 'used', 'lost', 'waiting'] as const) {
      queue.enqueue(`${level} 1`, { level });
      queue.enqueue(`${level} 2`, { level });
    }
    expect(drain(queue)).toEqual([
      ...['waiting 1', 'waiting 2', 'lost 1', 'lost 2', 'used 1', 'used 2', 'rest 1', 'rest 2'],
    ]);
    expect(queue.dequeue()).toBeUndefined();
  });

  test('takes namespaces in turn', () => {
    const queue = new CopyQueue<string>();
    for (let at = 1; at <= 3; at += 1) queue.enqueue(`a${at}`, { share: 'a' });
    queue.enqueue('b1', { share: 'b' });
    expect(drain(queue)).toEqual(['a1', 'b1', 'a2', 'a3']);
  });

  test('lets one that a Pod waits for pass a thousand others', () => {
    const queue = new CopyQueue<string>();
    for (let at = 0; at < 1_000; at += 1)
      queue.enqueue('other', { share: `ns${at % 40}`, level: 'used' });
    queue.enqueue('mine', { share: 'mine', level: 'waiting' });
    expect(drain(queue, 2)).toContain('mine');
  });

  test('gives half of the turns at most to whoever says that all its Pods wait', () => {
    const queue = new CopyQueue<string>();
    for (let at = 0; at < 1_000; at += 1)
      queue.enqueue('loud', { share: 'loud', level: 'waiting' });
    for (let at = 0; at < 10; at += 1) queue.enqueue('quiet', { share: `ns${at}`, level: 'rest' });
    expect(drain(queue, 24).filter((one) => one === 'quiet')).toHaveLength(10);
  });

  test('moves what has become urgent, and forgets what is taken out', () => {
    const queue = new CopyQueue<string>();
    for (const id of ['a', 'b', 'c']) queue.enqueue(id, { id, level: 'rest' });
    queue.setTurn('c', { level: 'waiting' });
    queue.remove('a');
    queue.remove('a');
    queue.setTurn('a', { level: 'waiting' });
    expect(queue.size).toBe(2);
    expect(drain(queue)).toEqual(['c', 'b']);
    expect(queue.size).toBe(0);
  });

  test('has one place a copy', () => {
    const queue = new CopyQueue<string>();
    queue.enqueue('once', { id: 'x', share: 'a' });
    queue.enqueue('again', { id: 'x', share: 'b' });
    expect(drain(queue)).toEqual(['again']);
  });
});

test.each([
  [{ isWaitedFor: true, isLost: true, isUsed: true }, 'waiting'],
  [{ isWaitedFor: false, isLost: true, isUsed: true }, 'lost'],
  [{ isWaitedFor: false, isLost: false, isUsed: true }, 'used'],
  [{ isWaitedFor: false, isLost: false, isUsed: false }, 'rest'],
])('%o is %s', (copy, level) => {
  expect(copyLevel(copy)).toBe(level);
});
