import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createWebSocketReceiver, type StatelyInspectionEvent } from '@statelyai/inspect';
import { expect, onTestFinished, test } from 'vitest';
import { serveInspected } from '#test/support/inspection/inspected-endpoint.ts';
import { freePorts, startChild } from '#test/support/processes/child-process.ts';
import { temporaryDirectory } from '#test/support/processes/guardian.ts';
import { eventually } from '#test/support/time/eventually.ts';

test('the script of docs/inspect.md hands frames to an inspector by the server of the package', async () => {
  const { listener } = await serveInspected({ images: ['a:1', 'b:1'] });
  const [port = 0] = await freePorts(1);
  const document = readFileSync(new URL('../../docs/inspect.md', import.meta.url), 'utf8');
  const [, documented = ''] = /`watch\.mjs`:\n\n```js\n(.*?)```/s.exec(document) ?? [];
  const script = documented
    .replace('port: 8080', `port: ${port}, autoOpen: false`)
    .replace('localhost:8080', `localhost:${port}`)
    .replace('8082', String(listener.port))
    .replace(/\$\{process\.argv\[2\]\}/, 'type=tracked-image');
  expect(documented).toContain('createInspectorServer');
  const directory = temporaryDirectory('inspect');
  const child = await startChild({
    ...{ name: 'watch.mjs', command: process.execPath },
    args: ['--input-type=module', '--eval', script],
    ...{ cwd: import.meta.dirname, logFile: join(directory.path, 'log') },
  });
  onTestFinished(async () => {
    await child.stop('SIGTERM', 2_000);
    directory.remove();
  });
  const frames: StatelyInspectionEvent[] = [];
  await eventually(
    'the server of the package answers',
    async () => (await fetch(`http://localhost:${port}`).catch(() => undefined))?.ok,
  );
  createWebSocketReceiver({ server: `ws://localhost:${port}` }).subscribe((frame) =>
    frames.push(frame),
  );
  await eventually('both actors are shown', () => frames.length === 2);
  for (const frame of frames) {
    expect(frame).toMatchObject({ definition: expect.stringContaining('"id":"tracked-image"') });
  }
});
