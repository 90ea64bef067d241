import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runKuik } from '#test/support/operator/kuik-command.ts';
import { entryPoint } from '#test/support/operator/shipped-node.ts';
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
    [['cleanup', '--help'], /--dry-run[\s\S]*kuik cleanup --dry-run[\s\S]*port-forward/],
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

describe('wrong use ends with 2 and two lines: the mistake, and where the usage is', () => {
  test.each<[readonly string[], Record<string, string>, RegExp]>([
    [['operate'], {}, /unknown command 'operate' \(Did you mean operator\?\)/],
    [['operator', '--webhok-port', '1'], {}, /'--webhok-port' \(Did you mean --webhook-port\?\)/],
    [['status', '-n', 'shop', '-A'], {}, /either --namespace or --all-namespaces, got both/],
    [['explain'], {}, /expected either an image or --pod FILE/],
    [['cleanup'], {}, /expected --dry-run: the operator alone deletes/],
    [['operator', '--webhook-port', '8080'], {}, /got 8080 for --webhook-port and --metrics-port/],
    [['operator'], { KUIK_LEADER_ELECT: 'yes' }, /from env 'KUIK_LEADER_ELECT' .*got "yes"/],
    [['status', '--metrics-url', 'kuik'], {}, /Expected a URL such as http.*got "kuik"/],
    [['explain', '--pod', '/nowhere/pod.yaml'], {}, /expected a Pod manifest in \/nowhere\/pod.y/],
  ])('%j with %j', async (args, env, message) => {
    const { code, text } = await runKuik(args, env);
    const [mistake, usage, ...rest] = text.split('\n');
    expect(mistake).toMatch(message);
    expect(mistake).toMatch(/^error: /);
    expect(usage).toMatch(/^Run 'kuik.* --help' for the usage\.$/);
    expect(rest).toEqual(['']);
    expect(code).toBe(2);
  });
});

test('an older Node is told which one is needed', async () => {
  const old = temporaryDirectory('node');
  onTestFinished(old.remove);
  const stand = join(old.path, 'node');
  writeFileSync(stand, '#!/bin/sh\necho 20.11.0\n', { mode: 0o755 });
  const { status, stderr } = spawnSync(entryPoint, ['--version'], {
    encoding: 'utf8',
    env: { PATH: `${old.path}:${process.env['PATH']}` },
  });
  expect([status, stderr]).toEqual([1, 'kuik needs Node 24 or newer, found 20.11.0\n']);
});

describe('a gate before a drain', () => {
  const risk = {
    ...{ workloads: [], total: 0, imagesInUse: 1, imagesUnchecked: 0, resources: 1 },
  };
  test.each([
    [0, ['--exit-code'], 0],
    [2, ['--exit-code'], 3],
    [2, [], 0],
    [2, ['--exit-code', '-o', 'json', '-A'], 3],
  ])('with %i workloads at risk and %j ends with %i', async (total, args, expected) => {
    const url = await serving(JSON.stringify({ ...risk, total }));
    const { code } = await runKuik(['status', ...args, '--metrics-url', url]);
    expect(code).toBe(expected);
  });
});

/** Serves one answer to whatever is asked, until the test is over. */
async function serving(body: string): Promise<string> {
  const server = createServer((_, response) => response.end(body));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

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
    const url = await serving(body);
    const { code, text } = await runKuik(args, { [variable]: url });
    expect(code).toBe(1);
    expect(text).toBe(`Expected an operator at ${url} (${flag}): what is there answered 200\n`);
  });
});
