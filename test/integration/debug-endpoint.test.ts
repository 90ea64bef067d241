import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { admin, adminKubeconfig } from '#test/support/api-server/plane.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { type RoutedStage, startRoutedStage } from '#test/support/operator/routed-stage.ts';
import { temporaryDirectory } from '#test/support/processes/guardian.ts';
import { registryPassword } from '#test/support/registries/registry-request.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** What a person sees who asks a running operator. */
let operator: OperatorProcess;
let stage: RoutedStage;

beforeAll(async () => {
  operator = await startOperator({
    ...{ adminKubeconfig: adminKubeconfig(), flags: ['--debug-host=kuik.example.com'] },
    config: { routing: { activeCheck: { timeout: '5s' }, deadline: '8s' } },
  });
  stage = await startRoutedStage(operator);
});

afterAll(async () => {
  await stage?.close();
  await operator?.stop();
});

interface Timed {
  readonly ms: number;
  readonly candidates: readonly { readonly ms: number }[];
}

/** A decision without what differs from one asking to the next. */
function timeless<T extends Timed>({ ms: _, candidates, ...rest }: T) {
  return { ...rest, candidates: candidates.map(({ ms: __, ...candidate }) => candidate) };
}

describe('the decision', () => {
  test('is one value: at /debug/route, of kuik explain, in the log and on the Pod', async () => {
    const { routed, explain, createPod, image, equal, namespace, by } = stage;
    const asked = await routed();
    expect(asked).toMatchObject({
      ...{ key: 'image', image, winner: equal, reason: 'OriginalNotFound' },
      by,
      candidates: [
        { image, by: 'original', status: 'NotFound' },
        { image: equal, status: 'Available', credential: `${operator.namespace}/pull` },
      ],
    });

    const explained = await explain(image, '-n', namespace, '--labels', 'app=web', '-o', 'json');
    expect(explained.code).toBe(0);
    expect(timeless(JSON.parse(explained.text))).toMatchObject(timeless(asked));

    const pod = await createPod();
    expect(pod.spec.containers[0].image).toBe(equal);
    const told = await eventually('the decision is logged', () => loggedDecision());
    const { key, message, ...decision } = timeless(told);
    const { key: _, message: asWell, ...expected } = timeless(asked);
    expect({ ...decision, nearMisses: [] }).toEqual(expected);
    expect(message).toBe(asWell.replace('image runs', `${key} runs`));
    const annotations = pod.metadata.annotations;
    expect(JSON.parse(annotations['kuik.enix.io/original-images'])).toEqual({ [key]: told.image });
    expect(JSON.parse(annotations['kuik.enix.io/rewritten-by'])).toEqual({ [key]: told.by });
    expect(JSON.parse(annotations['kuik.enix.io/reason'])).toEqual({ [key]: told.reason });
  });

  test('changes nothing when it is asked for', async () => {
    const { routed, explain, world, get, image, namespace } = stage;
    await routed();
    const before = await world();
    const reviews = await operator.reviews();
    await get(stage.routePath);
    await explain(image, '-n', namespace, '--labels', 'app=web');
    expect(await world()).toBe(before);
    expect(await operator.reviews()).toBe(reviews);
  });

  test('adds the pull secret that a Pod needs to the one that it has', async () => {
    const { routed, createPod, equal, namespace } = stage;
    await routed();
    const pod = await createPod({ imagePullSecrets: [{ name: 'own' }] });
    expect(pod.spec.containers[0].image).toBe(equal);
    const names = pod.spec.imagePullSecrets.map(({ name }: { name: string }) => name);
    expect(names).toEqual(['own', expect.stringMatching(/^kuik-pull-[0-9a-f]{16}$/)]);
    const copy = await admin().get(`/api/v1/namespaces/${namespace}/secrets/${names[1]}`);
    expect(copy.type).toBe('kubernetes.io/dockerconfigjson');
  });
});

function loggedDecision() {
  const lines = operator
    .logs()
    .split('\n')
    .filter((line) => line.includes('"decision":'));
  const decisions = lines.map((line) => JSON.parse(line).decision);
  return decisions.find(({ key }) => key === 'app');
}

describe('kuik explain', () => {
  test('tells a person who wins and why, in 80 columns', async () => {
    const { routed, explain, image, equal, namespace } = stage;
    await routed();
    const { code, text } = await explain(image, '-n', namespace, '--labels', 'app=web');
    expect(code).toBe(0);
    expect(text).toContain(`-> ${equal}  (OriginalNotFound, `);
    expect(text).toMatch(/^ {2}1\. .*\n {7}NotFound.*by original$/m);
    expect(text).toMatch(/^\* 2\. .*\n {7}Available.*ClusterReplicatedImageSet/m);
    expect(text.split('\n').filter((line) => line.length > 160)).toEqual([]);
  });

  test('asks about the Pod that one describes: other labels, another answer', async () => {
    const { routed, explain, image, namespace } = stage;
    await routed();
    const { code, text } = await explain(image, '-n', namespace, '--labels', 'app=db');
    expect(code).toBe(0);
    expect(text).toMatch(/stays {2}\(OnlyCandidate/);
  });

  test('asks about every image of a manifest, annotations of any kind included', async () => {
    const { routed, explain, image, equal, namespace } = stage;
    await routed();
    const directory = temporaryDirectory('manifest');
    onTestFinished(directory.remove);
    const file = join(directory.path, 'pod.json');
    const metadata = {
      ...{ namespace, labels: { app: 'web' } },
      annotations: { json: '{"a":1,"b":[2,3]}', big: 'x'.repeat(200_000) },
    };
    const containers = [
      { name: 'a', image },
      { name: 'b', image: 'b:1' },
    ];
    writeFileSync(file, JSON.stringify({ metadata, spec: { containers } }));
    const { code, text } = await explain('--pod', file, '-o', 'json');
    expect(code, text).toBe(0);
    expect(JSON.parse(text)).toMatchObject([{ image, winner: equal }, { image: 'b:1' }]);
  });

  test('passes on what the operator did not understand', async () => {
    const { explain } = stage;
    const { code, text } = await explain('nginx', '--labels', 'app');
    expect(code).toBe(1);
    expect(text).toMatch(/answered 400: labels: expected key=value pairs .*, got "app"/);
  });
});

describe('actors', () => {
  test('are listed with type, state and since, and found by each', async () => {
    const { routed, json } = stage;
    await routed();
    const { actors, next } = await json('/debug/actors');
    const ids = actors.map(({ id }: { id: string }) => id);
    const registries = [`registry:${stage.hosts.open}`, `registry:${stage.hosts.guarded}`];
    expect(ids).toEqual(
      expect.arrayContaining([
        'kuik',
        'certificate',
        'leadership',
        'reflector:pods',
        ...registries,
      ]),
    );
    expect(ids).toEqual([...ids].sort());
    expect(next).toBeNull();
    for (const { since, state } of actors) {
      expect(since).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      expect(state.length).toBeGreaterThan(0);
    }
    const found = async (query: string) =>
      (await json(`/debug/actors?${query}`)).actors.map(({ id }: { id: string }) => id);
    expect((await found('type=registry')).sort()).toEqual(registries.sort());
    expect(await found('type=leadership&state=Leading')).toEqual(['leadership']);
    expect(await found('state=Following&type=leadership')).toEqual([]);
    expect(await found(`q=${stage.hosts.guarded}&state=Closed`)).toEqual([
      `registry:${stage.hosts.guarded}`,
    ]);
    expect(await found('q=no-such-actor')).toEqual([]);
  });

  test('come in pages that hold each of them once', async () => {
    const { json } = stage;
    const whole = (await json('/debug/actors')).actors;
    const paged: unknown[] = [];
    let cursor = '';
    do {
      const page = await json(`/debug/actors?limit=2&cursor=${encodeURIComponent(cursor)}`);
      expect(page.actors.length).toBeLessThanOrEqual(2);
      paged.push(...page.actors);
      cursor = page.next ?? '';
    } while (cursor !== '');
    expect(paged.map((actor) => (actor as { id: string }).id)).toEqual(
      whole.map(({ id }: { id: string }) => id),
    );
  });

  test('show what they are in, what they know and how they came there', async () => {
    const { routed, json } = stage;
    await routed();
    const leadership = await json('/debug/actors/leadership');
    expect(leadership).toMatchObject({ id: 'leadership', type: 'leadership', state: ['Leading'] });
    expect(leadership.transitions.at(-1)).toMatchObject({ to: ['Leading'] });
    expect(leadership.context).toMatchObject({ holder: expect.any(String) });
    const registry = await json(`/debug/actors/registry:${stage.hosts.guarded}`);
    expect(registry.state).toEqual(expect.arrayContaining([expect.stringMatching(/Closed$/)]));
    expect((await json('/debug/actors/registries')).children).toContain(
      `registry:${stage.hosts.guarded}`,
    );
  });

  test('show no credential anywhere', async () => {
    const { routed, json, get } = stage;
    await routed();
    const { actors } = await json('/debug/actors');
    const paths = ['/debug', '/debug/machines', stage.routePath];
    paths.push(
      ...actors.map(({ id }: { id: string }) => `/debug/actors/${encodeURIComponent(id)}`),
    );
    const secrets = [
      registryPassword,
      Buffer.from(`alice:${registryPassword}`).toString('base64'),
      'PRIVATE KEY',
    ];
    for (const path of paths) {
      const { status, text } = await get(path);
      expect(status).toBe(200);
      for (const secret of secrets) expect(text).not.toContain(secret);
    }
    for (const secret of secrets) expect(operator.logs()).not.toContain(secret);
  });
});

describe('machines', () => {
  test('are listed and shown, as JSON and drawn', async () => {
    const { json, get } = stage;
    const { machines } = await json('/debug/machines');
    const ids: string[] = machines.map(({ id }: { id: string }) => id);
    expect(ids).toEqual(expect.arrayContaining(['certificate', 'leadership', 'registry']));
    for (const id of ids) {
      const shown = await json(`/debug/machines/${id}`);
      expect(shown).toMatchObject({ id, definition: { id }, description: expect.any(String) });
      const drawn = await get(`/debug/machines/${id}?format=mermaid`);
      expect(drawn.text).toMatch(/^stateDiagram-v2\n/);
      expect(drawn.text).toBe(shown.diagram);
    }
  });
});

describe('who asks', () => {
  /** `fetch` lets nobody choose a Host. */
  const statusFor = async (headers: Record<string, string>): Promise<number | undefined> =>
    await new Promise((resolve, reject) => {
      const url = new URL('/debug', operator.debugUrl);
      const sent = request(url, { headers }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      sent.on('error', reject).end();
    });

  test('by another name, or from another page, is refused', async () => {
    expect(await statusFor({ host: 'localhost:12345' })).toBe(200);
    expect(await statusFor({ host: 'kuik.example.com:12345' })).toBe(200);
    expect(await statusFor({ origin: 'http://localhost:3000' })).toBe(200);
    expect(await statusFor({ host: 'evil.example.com' })).toBe(403);
    expect(await statusFor({ origin: 'https://evil.example.com' })).toBe(403);
    expect(await statusFor({ origin: 'null' })).toBe(403);
  });
});

describe('health and metrics', () => {
  test('say that the operator is there, ready and the leader', async () => {
    const { routed, createPod } = stage;
    await routed();
    await createPod();
    const text = async (url: string) => await (await fetch(url)).text();
    expect(JSON.parse(await text(`${operator.healthUrl}/healthz`))).toEqual({ ok: true });
    const ready = JSON.parse(await text(`${operator.healthUrl}/readyz`));
    expect(ready).toMatchObject({ ready: true, waitingFor: [] });
    expect(Object.keys(ready.checks)).toEqual(
      expect.arrayContaining(['cache of pods', 'certificate loaded', 'webhook listening']),
    );
    const metrics = await text(`${operator.metricsUrl}/metrics`);
    for (const line of [
      /^kube_image_keeper_manager_build_info\{version="[^"]+",/m,
      /^kube_image_keeper_manager_is_leader 1$/m,
      /^kube_image_keeper_manager_up 1$/m,
      /^kube_image_keeper_routing_probes_total\{registry="127[^"]+",result="NotFound"\} \d+$/m,
      /^kube_image_keeper_routing_decisions_total\{reason="OriginalNotFound",kind="\w+",name="/m,
      /^kube_image_keeper_registry_health\{registry="127\.0\.0\.1:\d+",state="Closed"\} 1$/m,
      /^kube_image_keeper_reflector_phase\{resource="pods",phase="[A-Z]\w+"\} 1$/m,
      /^kube_image_keeper_actors\{type="registry",state="[\w.]+"\} \d+$/m,
      /^kube_image_keeper_webhook_admission_duration_seconds_bucket\{le="1"\} \d+$/m,
      /^kube_image_keeper_api_requests_total\{method="GET",outcome="ok"\} \d+$/m,
    ]) {
      expect(metrics).toMatch(line);
    }
  });
});
