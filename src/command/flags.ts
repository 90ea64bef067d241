import { InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '#core/duration.ts';

/** The flags of `kuik operator` (behaviour §8), each also a `KUIK_…` variable; durations in ms. */
export interface OperatorFlags {
  readonly kubeconfig?: string;
  readonly config?: string;
  readonly namespace?: string;
  readonly webhookPort: number;
  readonly webhookCertDir?: string;
  readonly metricsPort: number;
  readonly healthPort: number;
  readonly debugPort: number;
  readonly debugAddress: string;
  readonly debugHost: readonly string[];
  readonly debugStatelyUrl?: string;
  readonly webhookClientCa?: string;
  readonly leaderElect: boolean;
  readonly leaseDuration: number;
  readonly renewDeadline: number;
  readonly retryPeriod: number;
  readonly logLevel: (typeof logLevels)[number];
  readonly logFormat: 'json' | 'pretty';
  readonly webhookConfiguration: string;
  readonly webhookUrl?: string;
}

/** How much is said, from little to much. */
const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
const portMax = 65_535;

/** The options of `kuik operator`, for the command line and its `--help`. */
export function operatorOptions(): readonly Option[] {
  return [
    text('--kubeconfig <file>', 'how to reach the API server; in a Pod its service account'),
    text(
      '--config <file>',
      'operator configuration (default: /etc/kube-image-keeper/config.yaml, if there)',
    ),
    text('--namespace <name>', 'where the Lease and the certificate are kept'),
    port('--webhook-port <port>', 'admission webhook, HTTPS', 9443),
    text('--webhook-cert-dir <dir>', 'take tls.crt and tls.key from here instead of making them'),
    port('--metrics-port <port>', '/metrics and /status', 8080),
    port('--health-port <port>', '/healthz and /readyz', 8081),
    port('--debug-port <port>', '/debug: actors, machines, routes', 8082),
    text('--debug-address <address>', 'where the debug port listens').default('127.0.0.1'),
    names('--debug-host <name>', 'a further name that browsers may call the debug port by'),
    text(
      '--debug-stately-url <url>',
      'a page with the Stately inspector, which /debug/stately frames',
    ).argParser(parseStatelyUrl),
    text('--webhook-client-ca <file>', 'let in only clients whose certificate it signed (PEM)'),
    switchOption('--leader-elect [bool]', 'let replicas elect who writes', true),
    duration('--lease-duration <duration>', 'how long a silent leader is waited for', '15s'),
    duration('--renew-deadline <duration>', 'a Lease not renewed for so long is let go', '10s'),
    duration('--retry-period <duration>', 'pause between attempts at the Lease', '2s'),
    text('--log-level <level>', 'how much is said').choices(logLevels).default('info'),
    text('--log-format <format>', 'for machines or for people')
      .choices(['json', 'pretty'])
      .default('json'),
    text('--webhook-configuration <name>', 'whose caBundle is kept right').default('kuik'),
    text('--webhook-url <url>', 'base of the webhook, for a process outside the cluster').argParser(
      parseWebhookUrl,
    ),
  ];
}

/** Says what contradicts itself in flags that are right one by one; empty when nothing does. */
export function flagProblems(flags: OperatorFlags): readonly string[] {
  const problems: string[] = [];
  if (flags.renewDeadline >= flags.leaseDuration) {
    problems.push('expected --renew-deadline to be shorter than --lease-duration');
  }
  if (flags.retryPeriod >= flags.renewDeadline) {
    problems.push('expected --retry-period to be shorter than --renew-deadline');
  }
  return [...problems, ...portProblems(flags)];
}

/** Told before anything starts: two servers on one port come to light only when the second listens. */
function portProblems({ webhookPort, metricsPort, healthPort, debugPort }: OperatorFlags) {
  const ports = { webhookPort, metricsPort, healthPort, debugPort };
  const names = Map.groupBy(Object.entries(ports), ([, number]) => number);
  return [...names].flatMap(([number, sharing]) => {
    if (sharing.length === 1) return [];
    const flags = sharing.map(([name]) => `--${name.replace('Port', '-port')}`);
    return [`expected ports that differ, got ${number} for ${flags.join(' and ')}`];
  });
}

/** May be given more than once; with commas in its variable. */
function names(flags: string, description: string): Option {
  return text(flags, description)
    .default([], 'none')
    .argParser((value: string, before: readonly string[]) => [
      ...before,
      ...value.split(',').filter(Boolean).map(parseHostName),
    ]);
}

/** An option whose environment variable is its name in capitals after `KUIK_`. */
function text(flags: string, description: string): Option {
  const option = new Option(flags, description);
  return option.env(`KUIK_${option.name().replaceAll('-', '_').toUpperCase()}`);
}

function port(flags: string, description: string, value: number): Option {
  return text(flags, description).default(value).argParser(parsePort);
}

function duration(flags: string, description: string, value: string): Option {
  return text(flags, description)
    .default(parseFlagDuration(value), value)
    .argParser(parseFlagDuration);
}

function switchOption(flags: string, description: string, value: boolean): Option {
  return text(flags, description).default(value).preset('true').argParser(parseSwitch);
}

/** A port as a flag has it. */
export function parsePort(value: string): number {
  const number = Number(value);
  if (/^\d+$/.test(value) && number >= 1 && number <= portMax) return number;
  throw new InvalidArgumentError(`Expected a port from 1 to ${portMax}, got "${value}".`);
}

function parseFlagDuration(value: string): number {
  const parsed = parseDuration(value);
  if (parsed.ok && parsed.value > 0) return parsed.value;
  throw new InvalidArgumentError(`Expected a duration above 0 such as 15s, got "${value}".`);
}

function parseSwitch(value: string): boolean {
  if (value === 'true') return true;
  if (value === 'false') return false;
  throw new InvalidArgumentError(`Expected true or false, got "${value}".`);
}

function parseHostName(value: string): string {
  const name = value.trim();
  if (/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/i.test(name)) return name.toLowerCase();
  throw new InvalidArgumentError(`Expected a host name without port, got "${value}".`);
}

function parseWebhookUrl(value: string): string {
  const expected = 'Expected a base such as https://kuik.example.com:9443';
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol !== 'https:' || url.search !== '' || url.hash !== '' || url.username !== '') {
    throw new InvalidArgumentError(`${expected}, got "${value}".`);
  }
  return value.replace(/\/+$/, '');
}

/** Its origin becomes a part of a header, so that its host has to be a plain name or an address. */
function parseStatelyUrl(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const isWeb = url !== undefined && /^https?:$/.test(url.protocol) && url.username === '';
  if (isWeb && /^([a-z0-9.-]+|\[[0-9a-f:.]+\])$/.test(url.hostname)) return value;
  throw new InvalidArgumentError(
    `Expected a page such as https://stately.ai/inspect, got "${value}".`,
  );
}
