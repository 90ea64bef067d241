import { describe, expect, onTestFinished, test } from 'vitest';
import { FairTurns } from '#actors/fair-turns.ts';
import type { ProbeReport } from '#actors/registries/registries.ts';
import { Router, type RouterOptions } from '#actors/routing/router.ts';
import { TimerHeap } from '#actors/timer-heap.ts';
import { compileTable } from '#core/routing/table.ts';
import { createLog } from '#telemetry/log.ts';
import { podOf, type ReadAnswer, reviewOf, stageWebhook } from '#test/support/operator/reviews.ts';
import { defaultRoutingPolicy } from '#test/support/routing/default-policy.ts';
import { clusterSet } from '#test/support/routing/resources.ts';

const everything = { include: ['.*'] };
const lent = { name: 'pull', namespace: 'infra' };
const table = compileTable([
  clusterSet('equal', {
    upstreams: [
      { registry: 'quay.io', imageFilter: everything },
      { registry: 'ghcr.io', imageFilter: everything, credentialSecret: lent },
    ],
  }),
]);

const answered = (outcome: object, over: object = {}) =>
  ({ kind: 'Answered', outcome, ms: 1, remembered: false, ...over }) as unknown as ProbeReport;
const missing = answered({ kind: 'NotFound', message: 'gone' });
const auths = { auths: { 'ghcr.io': { username: 'u', password: 'p' } } };
const found = {
  kind: 'found',
  isCopy: false,
  secret: {
    ...lent,
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': JSON.stringify(auths) },
  },
};

/** The ports below the router as they should be; a test spoils one of them. */
const good = {
  table: () => table as unknown,
  isTrusted: (): unknown => false,
  recall: (): unknown => undefined,
  probe: ({ reference }: { reference: { registry: string } }): unknown =>
    Promise.resolve(
      reference.registry === 'ghcr.io'
        ? answered({ kind: 'Available' }, { credentialIndex: 0 })
        : missing,
    ),
  read: ({ namespace }: { namespace: string }): unknown =>
    Promise.resolve(namespace === lent.namespace ? found : { kind: 'missing' }),
  placeSecret: (): unknown => Promise.resolve({ ok: true, value: 'kuik-pull-1' }),
  objection: (): unknown => Promise.resolve(undefined),
  tell: (): unknown => undefined,
};

const deadlineMs = 150;
/** Generous for a loaded machine, and still far below what an API server waits. */
const lateMs = 2_000;

/** One review, through the webhook and the router, to ports of which some are spoilt. */
async function admit(over: Partial<typeof good> = {}, pod = podOf()): Promise<ReadAnswer> {
  const {
    table: currentTable,
    isTrusted,
    recall,
    probe,
    read,
    placeSecret,
    objection,
    tell,
  } = { ...good, ...over };
  const clock = new TimerHeap();
  onTestFinished(() => clock.close());
  const log = createLog({
    level: 'debug',
    format: 'json',
    destination: { write: () => undefined },
  });
  const router = new Router({
    turns: new FairTurns(),
    owners: { isThere: async () => true },
    runtime: { clock, log, metrics: { routingDecision: tell, probe: tell, probeDuration: tell } },
    table: currentTable,
    policy: defaultRoutingPolicy,
    registries: { probe, isTrusted, recall },
    secrets: {
      reader: { read, readAgain: read },
      placer: { place: placeSecret },
      accounts: { objection },
    },
    events: { record: tell },
    timeoutMs: 50,
    resolveDigest: false,
  } as unknown as RouterOptions);
  return await stageWebhook(router.admit, { deadlineMs }).review(reviewOf(pod));
}

const throws = (): never => {
  throw new Error('a bug');
};
const rejects = () => Promise.reject(new Error('a bug'));
const hangs = () => new Promise(() => undefined);
const resolves = (value: unknown) => () => Promise.resolve(value);

const nonsense: readonly [string, unknown][] = [
  ['nothing', undefined],
  ['null', null],
  ['a text', 'yes'],
  ['a number', Number.NaN],
  ['an empty object', {}],
  ['a list', [missing]],
];
const anyPort: readonly [string, () => unknown][] = [
  ['throws', throws],
  ['rejects', rejects],
  ['hangs', hangs],
  ...nonsense.map(([name, value]): [string, () => unknown] => [`answers ${name}`, resolves(value)]),
];

const secretOf = (over: object) => ({ ...found, secret: { ...found.secret, ...over } });

describe('when all ports do what they should', () => {
  test('the Pod goes to the equal upstream, with the pull secret that it needs', async () => {
    const { patch, warnings } = await admit();
    expect(patch).toEqual([
      { op: 'replace', path: '/spec/containers/0/image', value: 'ghcr.io/team/app:1' },
      { op: 'add', path: '/metadata/annotations', value: expect.anything() },
      { op: 'add', path: '/spec/imagePullSecrets', value: [{ name: 'kuik-pull-1' }] },
    ]);
    expect(warnings).toEqual([]);
  });

  test('so does a Pod with a pull secret of its own, which it keeps', async () => {
    const pod = podOf('quay.io/team/app:1', {}, { imagePullSecrets: [{ name: 'own' }] });
    const { patch } = await admit({}, pod);
    expect(patch).toContainEqual({
      op: 'add',
      path: '/spec/imagePullSecrets',
      value: [{ name: 'own' }, { name: 'kuik-pull-1' }],
    });
  });
});

describe('the Pod gets in unchanged, within the deadline', () => {
  const spoilt: readonly [string, Partial<typeof good>][] = [
    ...anyPort.map(([what, probe]): [string, Partial<typeof good>] => [
      `a probe that ${what}`,
      { probe },
    ]),
    ...anyPort.map(([what, placeSecret]): [string, Partial<typeof good>] => [
      `placing a Secret that ${what}`,
      { placeSecret },
    ]),
    ...anyPort
      .slice(0, 5)
      .map(([what, read]): [string, Partial<typeof good>] => [
        `reading a Secret that ${what}`,
        { read },
      ]),
    ...anyPort
      .slice(0, 3)
      .map(([what, objection]): [string, Partial<typeof good>] => [
        `a service account whose reading ${what}`,
        { objection },
      ]),
    ['a table that throws', { table: throws }],
    ...nonsense.map(([what, value]): [string, Partial<typeof good>] => [
      `a table that is ${what}`,
      { table: () => value },
    ]),
    ['a table whose sets are nonsense', { table: () => ({ ...table, setsFor: () => [{}] }) }],
    ['a table whose lookups throw', { table: () => ({ ...table, mirrorsFor: throws }) }],
    ['trust that throws', { isTrusted: throws }],
    ['a memory that throws', { recall: throws }],
    ...nonsense
      .filter(([, value]) => value !== undefined)
      .map(([what, value]): [string, Partial<typeof good>] => [
        `a memory of ${what}`,
        { recall: () => value },
      ]),
    ['a memory that has to be waited for', { recall: resolves(missing) }],
    ['a metric that throws', { tell: throws }],
    ['a probe with a status that is none', { probe: resolves(answered({ kind: 'Perhaps' })) }],
    ['a probe without an outcome', { probe: resolves({ kind: 'Answered' }) }],
    ['a Secret placed without a name', { placeSecret: resolves({ ok: true }) }],
    ['a Secret placed under a number', { placeSecret: resolves({ ok: true, value: 7 }) }],
    ['a Secret placed under no name', { placeSecret: resolves({ ok: true, value: '' }) }],
    ['a Secret placed where none can be', { placeSecret: resolves({ ok: true, value: 'A/b' }) }],
    ['a Secret found without content', { read: resolves({ kind: 'found' }) }],
  ];

  test.each(spoilt)('with %s', async (_, over) => {
    const startedMs = performance.now();
    const answer = await admit(over);
    expect(performance.now() - startedMs).toBeLessThan(lateMs);
    expect(answer).toMatchObject({ status: 200, allowed: true, uid: 'review-1' });
    expect(answer.patch).toBeUndefined();
  });
});

describe('what is no Secret opens nothing and stops nobody', () => {
  test.each<[string, string, unknown]>([
    ['missing', 'infra/pull is missing', { kind: 'missing' }],
    ['unreadable', 'infra/pull was not read', { kind: 'unreadable', message: 'forbidden' }],
    ['of another type', '', secretOf({ type: 'Opaque' })],
    ['empty', '', secretOf({ data: {} })],
    ['no JSON', 'infra/pull: expected JSON', secretOf({ data: { '.dockerconfigjson': '{' } })],
    [
      'JSON of another kind',
      'infra/pull: expected a JSON object',
      secretOf({ data: { '.dockerconfigjson': '[7]' } }),
    ],
    [
      'full of nonsense',
      'infra/pull: ghcr.io: expected an object',
      secretOf({ data: { '.dockerconfigjson': '{"auths":{"ghcr.io":7}}' } }),
    ],
  ])('%s: the image is asked for without it', async (_, warning, answer) => {
    const asked: number[] = [];
    const probe = (question: { reference: { registry: string }; credentials: unknown[] }) => {
      if (question.reference.registry === 'ghcr.io') asked.push(question.credentials.length);
      return good.probe(question);
    };
    const { allowed, patch, warnings } = await admit({
      read: resolves(answer),
      probe: probe as never,
    });
    expect(allowed).toBe(true);
    expect(asked).toEqual([0]);
    expect(JSON.stringify(patch)).toContain('ghcr.io/team/app:1');
    expect(warnings.join()).toContain(warning);
  });
});
