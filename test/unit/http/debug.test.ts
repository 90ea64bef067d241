import { describe, expect, onTestFinished, test } from 'vitest';
import type { ImageQuery } from '#core/routing/admission.ts';
import { buildDebugApp, type DebugOptions, type DebugPorts } from '#http/debug.ts';
import { createLog } from '#telemetry/log.ts';

const actor = { id: 'registry:quay.io', type: 'registry', state: ['Known'], since: 'now' };

/** The debug endpoint in front of ports that keep what they were asked. */
function stage(over: Partial<DebugPorts> = {}, options: Partial<DebugOptions> = {}) {
  const queries: ImageQuery[] = [];
  const ports: DebugPorts = {
    actors: {
      list: async () => ({ actors: [actor], total: 1, next: null }),
      get: (id) =>
        id === actor.id
          ? { ...actor, context: {}, transitions: [], children: [], childrenTotal: 0 }
          : undefined,
      leader: () => 'kuik-0',
    },
    machines: {
      list: () => [{ id: 'registry', description: 'One registry.' }],
      get: (id) =>
        id === 'registry'
          ? {
              id,
              description: 'One registry.',
              definition: { id },
              studio: { states: {} },
              diagram: 'stateDiagram-v2',
            }
          : undefined,
    },
    explain: async (query) => {
      queries.push(query);
      return { image: query.image } as never;
    },
    whatIf: async (registries) => ({
      ...{ registries, moving: [], stranded: [], staying: 0, undecided: 0 },
    }),
    plan: async () => ({ plans: [], bytes: 0, workloads: 0, undecided: 0 }),
    replica: 'kuik-0',
    namespaceExists: async (name) => name !== 'typo',
    access: async () => ({ kind: 'unknown' }),
    log: createLog({ level: 'silent', format: 'json' }),
    ...over,
  };
  const app = buildDebugApp(ports, { address: '127.0.0.1', hosts: [], ...options });
  onTestFinished(async () => await app.close());
  const get = async (url: string, headers: Record<string, string> = {}) => {
    const host = 'localhost:8082';
    const answer = await app.inject({ method: 'GET', url, headers: { host, ...headers } });
    return { status: answer.statusCode, type: answer.headers['content-type'], text: answer.body };
  };
  return { app, get, queries };
}

const errorOf = ({ text }: { readonly text: string }): string => JSON.parse(text).error;

describe('the debug endpoint', () => {
  test('says that a namespace is not there, and explains nothing in it', async () => {
    const { get, queries } = stage();
    const answer = await get('/debug/route?image=a:1&namespace=typo');
    expect(answer.status).toBe(404);
    expect(errorOf(answer)).toContain('there is none that is called "typo"');
    expect(queries).toEqual([]);
  });

  test.each(['/debug', '/debug/'])('says at %s who leads and what there is to ask', async (url) => {
    const answer = await stage().get(url);
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toEqual({
      leader: 'kuik-0',
      paths: expect.arrayContaining(['/debug/machines', '/debug/actors/<id>']),
    });
  });

  test.each(['/', '/debug/nothing', '/debug/secrets', '/debug/actors/', '/metrics'])(
    'tells whoever asks for %s what there is',
    async (url) => {
      const answer = await stage().get(url);
      expect(answer.status).toBe(404);
      expect(errorOf(answer)).toMatch(/^expected .*(\/debug\/route|the id of a running actor)/);
    },
  );

  test.each([
    ['host', { host: 'evil.example.com' }],
    ['host', { host: '127.0.0.1.evil.example.com:8082' }],
    ['origin', { origin: 'https://evil.example.com' }],
    ['origin', { origin: 'null' }],
  ])('refuses another %s everywhere, also where there is nothing', async (_, headers) => {
    const { get, queries } = stage();
    const urls = ['/debug', '/debug/actors', '/debug/machines', '/debug/route?image=a:1'];
    for (const url of [...urls, '/debug/actors/registry:quay.io', '/nowhere']) {
      const answer = await get(url, headers);
      expect(answer.status).toBe(403);
      expect(Object.keys(JSON.parse(answer.text))).toEqual(['error']);
    }
    expect(queries).toEqual([]);
  });

  test('asks for a token as soon as others than this machine reach it, and for none else', async () => {
    const get = async (address: string) => (await stage({}, { address }).get('/debug')).status;
    for (const address of ['127.0.0.1', '127.0.0.7', '::1', 'localhost']) {
      expect([address, await get(address)]).toEqual([address, 200]);
    }
    for (const address of ['0.0.0.0', '::', '10.1.2.3', 'kuik-debug']) {
      expect([address, await get(address)]).toEqual([address, 401]);
    }
  });

  test('refuses pages of other sites, however they come, but for a link to its door', async () => {
    const { get, queries } = stage();
    const driven = { 'sec-fetch-site': 'cross-site' };
    expect((await get('/debug/route?image=a:1', driven)).status).toBe(403);
    expect(queries).toEqual([]);
    const link = { ...driven, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    expect((await get('/debug/route?image=a:1', link)).status).toBe(403);
    expect((await get('/debug/', link)).status).toBe(200);
  });

  test.each(['POST', 'PUT', 'PATCH', 'DELETE'] as const)('takes no %s', async (method) => {
    const { app, queries } = stage();
    for (const url of ['/debug', '/debug/actors', '/debug/route?image=a:1']) {
      const answer = await app.inject({ method, url, headers: { host: 'localhost' } });
      expect(answer.statusCode).toBe(404);
    }
    expect(queries).toEqual([]);
  });

  test('answers a fault of its own with 500, and shows nothing of it', async () => {
    const explain = async () => {
      throw new Error('password hunter2');
    };
    const answer = await stage({ explain }).get('/debug/route?image=a:1');
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain('hunter2');
    expect(errorOf(answer)).toMatch(/see the log/);
  });
});

describe('/debug/machines', () => {
  test('lists them, and shows one as JSON or drawn', async () => {
    const { get } = stage();
    expect(JSON.parse((await get('/debug/machines')).text).machines).toHaveLength(1);
    const shown = await get('/debug/machines/registry');
    expect(JSON.parse(shown.text)).toMatchObject({
      id: 'registry',
      definition: { id: 'registry' },
    });
    const drawn = await get('/debug/machines/registry?format=mermaid');
    expect(drawn).toMatchObject({ text: 'stateDiagram-v2', type: 'text/plain; charset=utf-8' });
  });

  test('draws one, and gives what Stately Studio imports', async () => {
    const { get } = stage();
    const drawn = await get('/debug/machines/registry?format=svg');
    expect(drawn).toMatchObject({ status: 200, type: 'image/svg+xml' });
    expect(drawn.text).toContain('data-id="reachability_Closed"');
    expect((await get('/debug/machines/registry?format=studio')).text).toBe('{"states":{}}');
    expect(JSON.parse((await get('/debug/machines/registry')).text)).not.toHaveProperty('studio');
  });

  test('says which there are, and which formats', async () => {
    const { get } = stage();
    expect(errorOf(await get('/debug/machines/none'))).toBe('expected one of registry, got none');
    expect(errorOf(await get('/debug/machines/registry?format=png'))).toBe(
      'format: expected json, mermaid, svg or studio, got "png"',
    );
  });
});

describe('/debug/route', () => {
  const subject = { labels: {}, annotations: {}, namespace: 'default', pullSecrets: [] };
  const nothing = { ...subject, policy: 'IfNotPresent' };

  test.each<[string, object]>([
    ['image=nginx', { image: 'nginx' }],
    ['image=nginx&namespace=&labels=&annotations=&policy=', { image: 'nginx' }],
    ['image=a:1&namespace=b&policy=Always', { image: 'a:1', namespace: 'b', policy: 'Always' }],
    ['image=a&labels=b=c, d=e=f ,', { image: 'a', labels: { b: 'c', d: 'e=f' } }],
    ['image=a&labels=b=', { image: 'a', labels: { b: '' } }],
    [
      String.raw`image=a&annotations=j={"x":1\,"y":"\\\\"}`,
      { image: 'a', annotations: { j: String.raw`{"x":1,"y":"\\"}` } },
    ],
    [
      String.raw`image=a&annotations=p=C:\temp`,
      { image: 'a', annotations: { p: String.raw`C:\temp` } },
    ],
    ['image=a&pullSecrets=one, two,', { image: 'a', pullSecrets: ['one', 'two'] }],
    ['image=a&labels=constructor=b', { image: 'a', labels: { constructor: 'b' } }],
  ])('?%s asks for that', async (query, expected) => {
    const { get, queries } = stage();
    expect((await get(`/debug/route?${encodeURI(query)}`)).status).toBe(200);
    expect(queries).toEqual([{ ...nothing, ...expected }]);
  });

  test.each<[string, RegExp]>([
    ['', /^image: expected an image as a Pod names it, got nothing$/],
    ['image=', /^image: expected an image as a Pod names it, got nothing$/],
    [`image=${'a'.repeat(1_025)}`, /^image: expected an image as a Pod names it, got "a{100}/],
    ['image=a&policy=Sometimes', /^policy: expected Always, IfNotPresent or Never, got "Some/],
    ['image=a&labels=b', /^labels: expected key=value pairs .*, got "b"$/],
    ['image=a&annotations==b', /^annotations: expected key=value pairs .*, got "=b"$/],
    ['image=a&pod=b', /^expected one of the parameters image, .*, got pod$/],
  ])('?%s is refused with what was expected', async (query, message) => {
    const { get, queries } = stage();
    const answer = await get(`/debug/route?${query}`);
    expect([answer.status, errorOf(answer)]).toEqual([400, expect.stringMatching(message)]);
    expect(queries).toEqual([]);
  });

  test('waits for a decision so long and no longer', async () => {
    let aborted = false;
    const explain: DebugPorts['explain'] = (_, signal) =>
      new Promise(() => signal.addEventListener('abort', () => (aborted = true)));
    const answer = await stage({ explain, answerTimeoutMs: 30 }).get('/debug/route?image=a');
    expect(answer.status).toBe(504);
    expect(errorOf(answer)).toBe('expected a decision within 30 ms, got none');
    expect(aborted).toBe(true);
  });
});

describe('questions about what would be', () => {
  test('name the replica that answers, in the answer and in a header', async () => {
    const { app, get } = stage();
    const answer = await get('/debug/what-if?registry=docker.io,quay.io');
    expect(JSON.parse(answer.text)).toMatchObject({
      ...{ replica: 'kuik-0', registries: ['docker.io', 'quay.io'] },
    });
    const { headers } = await app.inject({ url: '/debug', headers: { host: 'localhost:8082' } });
    expect(headers['kuik-replica']).toBe('kuik-0');
  });

  test('are refused where a registry is none, and where there is none', async () => {
    const { get } = stage();
    expect(errorOf(await get('/debug/what-if?registry=a%20b'))).toContain('host of a registry');
    expect((await get('/debug/what-if')).status).toBe(400);
  });

  test.each([
    [{}, 'a list of 1 to'],
    [{ resources: [] }, 'a list of 1 to'],
    [{ resources: [{ kind: 'Pod' }] }, 'objects of the five kinds'],
    [
      {
        resources: [{ apiVersion: 'kuik.enix.io/v1alpha1', kind: 'ReplicatedImageSet' }],
      },
      'name of the resource',
    ],
  ])('a plan of %j is refused', async (payload, said) => {
    const { app } = stage();
    const headers = { host: 'localhost:8082' };
    const answer = await app.inject({ method: 'POST', url: '/debug/plan', headers, payload });
    expect(answer.statusCode).toBe(400);
    expect(answer.json().error).toContain(said);
  });
});
