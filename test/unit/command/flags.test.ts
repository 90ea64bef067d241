import { Command } from 'commander';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { flagProblems, type OperatorFlags, operatorOptions } from '#command/flags.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** The flags that a command line comes to, or what is said of it. */
function read(args: readonly string[]): OperatorFlags | string {
  let said = '';
  const command = new Command('operator').exitOverride().configureOutput({
    writeErr: (text) => {
      said += text;
    },
  });
  for (const option of operatorOptions()) command.addOption(option);
  try {
    return command.parse(args, { from: 'user' }).opts<OperatorFlags>();
  } catch {
    return said;
  }
}

const problemsOf = (...args: string[]) => flagProblems(read(args) as OperatorFlags);

describe('the flags of kuik operator', () => {
  test('are those of the contract unless told', () => {
    expect(read([])).toEqual({
      webhookPort: 9443,
      metricsPort: 8080,
      healthPort: 8081,
      debugPort: 8082,
      debugAddress: '127.0.0.1',
      debugHost: [],
      leaderElect: true,
      leaseDuration: 15_000,
      renewDeadline: 10_000,
      retryPeriod: 2_000,
      logLevel: 'info',
      logFormat: 'json',
      webhookConfiguration: 'kuik',
    });
    expect(problemsOf()).toEqual([]);
  });

  test.each<[string, string, keyof OperatorFlags, unknown]>([
    ['--leader-elect', '', 'leaderElect', true],
    ['--leader-elect=false', 'false', 'leaderElect', false],
    ['--webhook-port=1', '1', 'webhookPort', 1],
    ['--debug-port=65535', '65535', 'debugPort', 65_535],
    ['--lease-duration=1m30s', '1m30s', 'leaseDuration', 90_000],
    ['--retry-period=500ms', '500ms', 'retryPeriod', 500],
    [
      '--webhook-url=https://a.example.com:1/',
      'https://a.example.com:1/',
      'webhookUrl',
      'https://a.example.com:1',
    ],
    ['--log-level=debug', 'debug', 'logLevel', 'debug'],
    ['--namespace=kuik', 'kuik', 'namespace', 'kuik'],
    ['--debug-host=a.example.com,B', 'a.example.com,B', 'debugHost', ['a.example.com', 'b']],
    [
      '--debug-stately-url=https://a.example.com/b',
      'https://a.example.com/b',
      'debugStatelyUrl',
      'https://a.example.com/b',
    ],
    ['--webhook-client-ca=/ca.pem', '/ca.pem', 'webhookClientCa', '/ca.pem'],
  ])('%s is read, and from its variable %j too', (flag, value, name, expected) => {
    expect(read([flag])).toMatchObject({ [name]: expected });
    if (value === '') return;
    const variable = flag.slice(2).split('=')[0]?.replaceAll('-', '_').toUpperCase();
    vi.stubEnv(`KUIK_${variable}`, value);
    expect(read([])).toMatchObject({ [name]: expected });
  });

  test('that may be repeated take all that is said', () => {
    expect(read(['--debug-host=a', '--debug-host=b'])).toMatchObject({ debugHost: ['a', 'b'] });
  });

  test('on the command line win over variables', () => {
    vi.stubEnv('KUIK_WEBHOOK_PORT', '1111');
    expect(read(['--webhook-port', '2222'])).toMatchObject({ webhookPort: 2_222 });
  });

  test.each([
    ['webhook-port', '0', 'a port from 1 to 65535'],
    ['webhook-port', '65536', 'a port from 1 to 65535'],
    ['health-port', 'http', 'a port from 1 to 65535'],
    ['metrics-port', '-1', 'a port from 1 to 65535'],
    ['debug-port', '0x50', 'a port from 1 to 65535'],
    ['debug-port', '', 'a port from 1 to 65535'],
    ['leader-elect', 'yes', 'true or false'],
    ['leader-elect', 'True', 'true or false'],
    ['lease-duration', '15', 'a duration above 0'],
    ['renew-deadline', '0', 'a duration above 0'],
    ['retry-period', '-2s', 'a duration above 0'],
    ['webhook-url', 'http://a.example.com', 'a base such as https:'],
    ['webhook-url', 'https://user:secret@a.example.com', 'a base such as https:'],
    ['webhook-url', 'https://a.example.com?b=c', 'a base such as https:'],
    ['webhook-url', 'a.example.com', 'a base such as https:'],
    ['debug-host', 'a.example.com:80', 'a host name without port'],
    ['debug-stately-url', 'javascript:alert(1)', 'a page such as https:'],
    ['debug-stately-url', 'https://user@a.example.com', 'a page such as https:'],
    ['debug-stately-url', 'https://a;b.example.com', 'a page such as https:'],
    ['debug-stately-url', 'stately.ai/inspect', 'a page such as https:'],
  ])('--%s=%s is refused, and so is its variable', (name, value, expected) => {
    const variable = `KUIK_${name.replaceAll('-', '_').toUpperCase()}`;
    expect(read([`--${name}=${value}`])).toMatch(`Expected ${expected}`);
    vi.stubEnv(variable, value);
    const said = read([]);
    expect(said).toMatch(`Expected ${expected}`);
    expect(said).toContain(variable);
  });

  test.each([
    ['log-level', 'loud', 'fatal, error, warn, info, debug, trace'],
    ['log-format', 'xml', 'json, pretty'],
  ])('--%s=%s is refused with what may be chosen', (name, value, choices) => {
    expect(read([`--${name}=${value}`])).toContain(`Allowed choices are ${choices}.`);
  });

  test.each<[readonly string[], readonly string[]]>([
    [['--renew-deadline=15s'], ['expected --renew-deadline to be shorter than --lease-duration']],
    [['--retry-period=10s'], ['expected --retry-period to be shorter than --renew-deadline']],
    [
      ['--health-port=8080'],
      ['expected ports that differ, got 8080 for --metrics-port and --health-port'],
    ],
    [
      ['--webhook-port=8081', '--debug-port=8443'],
      ['expected ports that differ, got 8081 for --webhook-port and --health-port'],
    ],
  ])('%j contradict each other', (args, expected) => {
    expect(problemsOf(...args)).toEqual(expected);
  });
});
