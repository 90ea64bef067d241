import { expect, test } from 'vitest';
import { terminalProgress } from '#test/support/binaries/progress.ts';
import { recordedStream } from '#test/support/runner/recorded-stream.ts';

const clearsLine = '\r\u001b[2K';

test('a terminal has one line that is rewritten in its width, and keeps the last', () => {
  const { stream, text } = recordedStream({ isTTY: true, columns: 30 });
  terminalProgress(stream).start('Building etcd', () => '3 of 5 packages')('done');
  expect(text().split(clearsLine)).toEqual([
    '',
    'Buildin: 3 of 5 packages, 0 s',
    'Building etcd: 3 of 5 packages, 0 s: done\n',
  ]);
});

test('a log has plain lines', () => {
  const { stream, text } = recordedStream();
  terminalProgress(stream).start('Building etcd', () => '3 of 5 packages')('done');
  expect(text().trimEnd().split('\n')).toEqual([
    'Building etcd: 3 of 5 packages, 0 s',
    'Building etcd: 3 of 5 packages, 0 s: done',
  ]);
});
