import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { eventually } from '#test/support/time/eventually.ts';

const root = join(import.meta.dirname, '..', '..', '..');
type Way = readonly [title: string, command: string, args: readonly string[]];
const program: Way = ['kuik', process.execPath, [join(root, 'src', 'main.ts'), 'dashboard']];
const plugin: Way = ['kubectl kuik', join(root, 'plugin', 'kubectl-kuik'), ['dashboard']];

/** Below what systems hand out: nobody else listens there, and a leader asked for there is refused at once. */
const usualPorts = { 'kuik-a': 7_001, 'kuik-b': 7_002 };

interface Stage {
  /** Running Pods, and the ports that the stand-in for kubectl says it forwards them to. */
  readonly ports?: Readonly<Record<string, number>>;
  readonly flags?: readonly string[];
}

/** Runs one of the two, with stand-ins for kubectl and for the browser. */
function run([, command, args]: Way, { ports = usualPorts, flags = [] }: Stage = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'kuik-dashboard-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const names = Object.keys(ports);
  const items = names.map((name) => ({
    metadata: { namespace: 'kuik-system', name },
    status: { phase: 'Running' },
  }));
  const forwards = Object.entries(ports).map(
    ([name, port]) => `*pod/${name}*) echo "Forwarding from 127.0.0.1:${port} -> 8082" ;;`,
  );
  const write = (name: string, text: string) => {
    writeFileSync(join(directory, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(directory, name), 0o755);
  };
  write(
    'kubectl',
    `case "$*" in
*"get deployments"*) echo kuik-system kuik; exit 0 ;;
*"get pods"*jsonpath*) printf '%s\\n' ${names.join(' ')}; exit 0 ;;
*"get pods"*) echo '${JSON.stringify({ items })}'; exit 0 ;;
esac
echo $$ >> ${directory}/forwarding
case "$*" in
${forwards.join('\n')}
*) echo "error: what is this: $*" >&2; exit 1 ;;
esac
exec sleep 60`,
  );
  write('browser', `echo "$1" > ${directory}/opened`);
  const child = spawn(command, [...args, ...flags], {
    env: {
      ...process.env,
      PATH: `${directory}:${process.env['PATH']}`,
      BROWSER: join(directory, 'browser'),
    },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (text += part));
  onTestFinished(() => void child.kill('SIGKILL'));
  const opened = join(directory, 'opened');
  return {
    child,
    text: () => text,
    opened: () => (existsSync(opened) ? readFileSync(opened, 'utf8').trim() : undefined),
    forwarding: () =>
      readFileSync(join(directory, 'forwarding'), 'utf8').trim().split('\n').map(Number),
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function exitCode(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

describe.each([program, plugin])('%s dashboard', (...way) => {
  test('forwards every replica, opens the page that knows them all, and ends with Ctrl-C', async () => {
    const { child, opened, text, forwarding } = run(way);
    const address = await eventually('the browser is opened', opened);
    expect(address).toBe('http://127.0.0.1:7001/debug/#/overview?replicas=kuik-a@7001,kuik-b@7002');
    expect(text()).toContain(address);
    child.kill('SIGINT');
    expect(await exitCode(child)).toBe(0);
    await eventually('nothing is forwarded any more', () => !forwarding().some(isAlive));
  });

  test('opens nothing where that is not wanted', async () => {
    const { child, opened, text } = run(way, { flags: ['--no-open'] });
    await eventually('it says what ends it', () => text().includes('Ctrl-C'));
    expect(text()).toContain('http://127.0.0.1:7001/debug/');
    expect(opened()).toBeUndefined();
    child.kill('SIGINT');
    await exitCode(child);
  });

  test('says so when no forward is left', async () => {
    const { child, opened, text, forwarding } = run(way);
    await eventually('the browser is opened', opened);
    for (const pid of forwarding()) process.kill(pid);
    expect(await exitCode(child)).toBe(1);
    expect(text()).toContain('no replica is forwarded any more'.slice(3));
  });

  test('says so where no replica runs', async () => {
    const { child, text } = run(way, { ports: {} });
    expect(await exitCode(child)).toBe(1);
    expect(text()).toMatch(/expected running Pods/i);
  });
});

test('kuik dashboard opens the page of the replica that leads', async () => {
  const server = createServer((_, answer) => answer.end(JSON.stringify({ leader: 'kuik-b_1a' })));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const { child, opened } = run(program, { ports: { 'kuik-a': port, 'kuik-b': 7_002 } });
  const address = await eventually('the browser is opened', opened);
  expect(address).toContain('http://127.0.0.1:7002/debug/');
  child.kill('SIGINT');
  await exitCode(child);
});

test('kuik dashboard opens an operator that is reached already, without kubectl', async () => {
  const flags = ['--debug-url', 'http://127.0.0.1:9082', '--kubectl', 'no-such-command'];
  const { child, opened } = run(program, { flags });
  expect(await exitCode(child)).toBe(0);
  expect(await eventually('the browser is opened', opened)).toBe('http://127.0.0.1:9082/debug/');
});

test('kuik dashboard says where to run it where there is no kubectl', async () => {
  const { child, text } = run(program, { flags: ['--kubectl', 'no-such-command'] });
  expect(await exitCode(child)).toBe(1);
  expect(text()).toContain('kubectl kuik dashboard');
});
