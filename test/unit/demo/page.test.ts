import { expect, test } from 'vitest';
import { Page } from '#demo/page.ts';
import { recordedStream } from '#test/support/runner/recorded-stream.ts';

test('a registry is called by its role in every line that names it', () => {
  const { page, lines } = recordedPage();
  page.calls('127.0.0.1:5000', 'main');
  page.detail('wants', '127.0.0.1:5000/shop/web:1.0');
  page.detail('why', 'HEAD 127.0.0.1:5000/lab/trial:3.0: expected 200, got 404');
  expect(lines()).toEqual([
    '    wants      127.0.0.1:5000/shop/web:1.0 (main)',
    '    why        HEAD 127.0.0.1:5000/lab/trial:3.0 (main): expected 200, got 404',
  ]);
});

test('a detail that is too long goes on below itself, within 80 columns', () => {
  const { page, lines } = recordedPage();
  page.detail('why', 'word '.repeat(20).trim());
  expect(lines()).toHaveLength(2);
  expect(lines()[1]).toMatch(/^ {15}word/);
  expect(lines().every((line) => line.length <= 80)).toBe(true);
});

test('a command can be copied: its parts are joined as a shell joins lines', () => {
  const { page, lines } = recordedPage();
  page.calls('127.0.0.1:5000', 'main');
  page.command('explain', 'npm start -- explain 127.0.0.1:5000/shop/web:1.0', '-n demo');
  expect(lines()).toEqual([
    '    explain    npm start -- explain 127.0.0.1:5000/shop/web:1.0 \\',
    '                 -n demo',
  ]);
});

test('the last words stand on a line of their own, and nothing comes after them', () => {
  const { page, lines } = recordedPage();
  const done = page.step('A control plane');
  page.close('Stopped.');
  done();
  page.detail('NOT SO', 'the API server is gone');
  expect(lines()).toEqual(['', ' 1  A control plane', '', 'Stopped.']);
});

function recordedPage(): { readonly page: Page; readonly lines: () => string[] } {
  const { stream, text } = recordedStream();
  return { page: new Page(stream), lines: () => text().trimEnd().split('\n') };
}
