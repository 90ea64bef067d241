import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runKuik } from '#test/support/operator/kuik-command.ts';
import { temporaryDirectory } from '#test/support/processes/guardian.ts';

/** A file that is gone with the test. */
function fileWith(content: string, name = 'file.yaml'): string {
  const directory = temporaryDirectory('file');
  onTestFinished(directory.remove);
  const path = join(directory.path, name);
  writeFileSync(path, content);
  return path;
}

/** The discard port: nothing listens there. */
const nowhere = 'http://127.0.0.1:9';

describe('the help', () => {
  test.each([
    [['--help'], /Commands:\n {2}operator .*\n[\s\S]*explain/],
    [['operator', '--help'], /--webhook-url <url>[\s\S]*KUIK_WEBHOOK_URL/],
    [['explain', '--help'], /--pod <file>[\s\S]*port-forward/],
    [['status', '--help'], /--metrics-url <url>[\s\S]*port-forward/],
  ])('of %j fits in 80 columns and ends well', async (args, expected) => {
    const { code, text } = await runKuik(args);
    expect(code).toBe(0);
    expect(text).toMatch(expected);
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  test('is shown to whoever says nothing, and that is wrong use', async () => {
    const { code, text } = await runKuik([]);
    expect([code, text]).toEqual([2, expect.stringMatching(/^Usage: kuik/)]);
  });
});

describe('wrong use ends with 2, says what was expected and shows the usage', () => {
  test.each<[readonly string[], Record<string, string>, RegExp]>([
    [['operate'], {}, /unknown command 'operate'/],
    [['operator', '--webhook-port', '8080'], {}, /got 8080 for --webhook-port and --metrics-port/],
    [['operator'], { KUIK_LEADER_ELECT: 'yes' }, /from env 'KUIK_LEADER_ELECT' .*got "yes"/],
    [['status', '--metrics-url', 'kuik'], {}, /Expected a URL such as http.*got "kuik"/],
    [['explain', '--pod', '/nowhere/pod.yaml'], {}, /expected a Pod manifest in \/nowhere\/pod.y/],
  ])('%j with %j', async (args, env, message) => {
    const { code, text } = await runKuik(args, env);
    expect(text).toMatch(message);
    expect(text).toMatch(/^Usage: kuik/m);
    expect(text).not.toMatch(/^ {4}at /m);
    expect(code).toBe(2);
  });
});

describe('what cannot be used ends with 1', () => {
  test('a configuration, with file, path, expected and found', async () => {
    const config = fileWith('routing: { activeCheck: { timeout: fast }, deadlin: 3s }');
    const { code, text } = await runKuik(['operator', '--config', config]);
    expect(code).toBe(1);
    expect(text).toContain(config);
    expect(text).toMatch(/routing\.activeCheck\.timeout: expected a duration.*found "fast"/);
    expect(text).toMatch(/routing\.deadlin: expected one of the keys .*found "deadlin"/);
    expect(text).not.toMatch(/^ {4}at /m);
  });

  test('a kubeconfig that is not there', async () => {
    const { code, text } = await runKuik(['operator', '--kubeconfig', '/nowhere/config']);
    expect(code).toBe(1);
    expect(text).toContain('Expected a kubeconfig at /nowhere/config');
  });
});

describe.each([
  { args: ['explain', 'nginx'], flag: '--debug-url', variable: 'KUIK_DEBUG_URL' },
  { args: ['status'], flag: '--metrics-url', variable: 'KUIK_METRICS_URL' },
])('kuik $args.0 without an operator', ({ args, flag, variable }) => {
  test('ends with 1 and says where it looked and how to get there', async () => {
    const { code, text } = await runKuik([...args, flag, nowhere]);
    expect(code).toBe(1);
    expect(text).toContain(`Expected an operator at ${nowhere} (${flag}): `);
    expect(text).toContain('port-forward');
  });

  test.each(['<html>', '{"ok":true}', 'null'])('says so where %j is the answer', async (body) => {
    const server = createServer((_, response) => response.end(body));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { code, text } = await runKuik(args, { [variable]: url });
    expect(code).toBe(1);
    expect(text).toBe(`Expected an operator at ${url} (${flag}): what is there answered 200\n`);
  });
});
