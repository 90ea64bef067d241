import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createProgram } from '#command/program.ts';

const plugin = join(import.meta.dirname, '..', '..', '..', 'plugin');

/** Runs the plugin with a kubectl that writes down what it was asked, a line a word. */
function run(args: readonly string[], { found = 'kuik-system kuik', env = {} } = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'kuik-plugin-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const script = `#!/bin/sh
case "$*" in *"get deployments"*) printf '%s\\n' "$FOUND"; exit 0 ;; esac
printf '%s\\n' "$@" > "$ASKED"
cat > "$ASKED.input"
exit 3
`;
  writeFileSync(join(directory, 'kubectl'), script);
  chmodSync(join(directory, 'kubectl'), 0o755);
  const asked = join(directory, 'asked');
  const { status, stdout, stderr } = spawnSync(join(plugin, 'kubectl-kuik'), args, {
    env: { PATH: `${directory}:${process.env['PATH']}`, ASKED: asked, FOUND: found, ...env },
    encoding: 'utf8',
    input: 'a file',
  });
  const words = () => readFileSync(asked, 'utf8').trimEnd().split('\n');
  const input = () => readFileSync(`${asked}.input`, 'utf8');
  return { status, text: stdout + stderr, words, input };
}

const exec = ['-n', 'kuik-system', 'exec', '-i', 'deploy/kuik', '--', 'kuik'];

describe('kubectl kuik', () => {
  test('runs the command where the operator is, and ends as it ends', () => {
    const { status, words, input } = run(['explain', 'an image', '-n', 'shop']);
    expect(words()).toEqual([...exec, 'explain', 'an image', '-n', 'shop']);
    expect(input()).toBe('a file');
    expect(status).toBe(3);
  });

  test('gives kubectl what stands before the command', () => {
    const { words } = run(['--context', 'production', '--kubeconfig=/k', 'status', '--context']);
    const before = ['--context=production', '--kubeconfig=/k'];
    expect(words()).toEqual([...before, ...exec, 'status', '--context']);
  });

  test('asks nobody where the environment says which operator', () => {
    const env = { KUIK_NAMESPACE: 'elsewhere', KUIK_DEPLOYMENT: 'kuik-two' };
    const { words } = run(['check'], { found: '', env });
    expect(words().slice(0, 5)).toEqual(['-n', 'elsewhere', 'exec', '-i', 'deploy/kuik-two']);
  });

  test.each([
    ['', 'found 0'],
    ['one kuik\ntwo kuik', 'found 2'],
  ])('says so where there is not one operator: %j', (found, said) => {
    const { status, text } = run(['check'], { found });
    expect(status).toBe(1);
    expect(text).toContain(said);
    expect(text).toContain('KUIK_NAMESPACE');
  });

  test('tells its usage, and that a value is missing', () => {
    expect(run(['--help'])).toMatchObject({
      status: 0,
      text: expect.stringContaining('kuik check'),
    });
    expect(run([]).status).toBe(2);
    expect(run(['--context'])).toMatchObject({
      status: 2,
      text: expect.stringContaining('--context'),
    });
  });

  test.each([
    [
      ['plan', 'FILE', '-o', 'json'],
      ['plan', '-', '-o', 'json'],
    ],
    [
      ['plan', '-n', 'shop', 'FILE'],
      ['plan', '-n', 'shop', '-'],
    ],
    [
      ['explain', '--pod', 'FILE'],
      ['explain', '--pod', '-'],
    ],
    [
      ['explain', '--pod=FILE'],
      ['explain', '--pod=-'],
    ],
  ])('sends along a file that is here: %j', (asked, expected) => {
    const directory = mkdtempSync(join(tmpdir(), 'kuik-file-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const file = join(directory, 'a file.yaml');
    writeFileSync(file, 'kind: Pod');
    const { words, input } = run(asked.map((word) => word.replace('FILE', file)));
    expect(words()).toEqual([...exec, ...expected]);
    expect(input()).toBe('kind: Pod');
  });

  test('completes every command but that of the operator, and its flags', () => {
    const complete = (...words: readonly string[]) =>
      spawnSync(join(plugin, 'kubectl_complete-kuik'), words, { encoding: 'utf8' })
        .stdout.split('\n')
        .slice(0, -2);
    // Whoever comes by this way reaches the endpoints and the API server as the operator's Pod does.
    const fromElsewhere =
      /^--(debug-url|metrics-url|token|token-file|kubeconfig|all-namespaces|deployment)$/;
    const commands = createProgram().commands.filter((one) => one.name() !== 'operator');
    expect(complete('').toSorted()).toEqual(commands.map((one) => one.name()).toSorted());
    // What the plugin does itself, with what stands before the command.
    const own = /^dashboard --(namespace|context|kubectl|port)$/;
    const missing = commands.flatMap((command) =>
      command.options
        .map(({ long }) => long ?? '')
        .filter((long) => !fromElsewhere.test(long))
        .filter((long) => !complete(command.name(), '--').includes(long))
        .map((long) => `${command.name()} ${long}`),
    );
    expect(missing.filter((one) => !own.test(one) && !one.startsWith('uninstall'))).toEqual([]);
  });

  test('completes commands and flags', () => {
    const complete = (...words: readonly string[]) =>
      spawnSync(join(plugin, 'kubectl_complete-kuik'), words, { encoding: 'utf8' }).stdout;
    expect(complete('ch')).toBe('check\n:4\n');
    expect(complete('status', '--ex')).toBe('--exit-code\n:4\n');
    expect(complete('').split('\n')).toContain('explain');
  });
});
