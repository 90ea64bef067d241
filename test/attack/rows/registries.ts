import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { AttackRow } from '#test/attack/attack-row.ts';
import { type AttackStage, equalPlaces, podOf } from '#test/attack/attack-stage.ts';
import { hasEverything, type ScriptedRegistry } from '#test/attack/scripted-registry.ts';

const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
const authOf = (user: string, password: string) => ({
  auth: Buffer.from(`${user}:${password}`).toString('base64'),
});

/** What a registry, or a name for one, can do to those who did not choose it. */
export const registryRows: readonly AttackRow[] = [
  {
    ...{
      id: 'A2',
      attack: "a path's challenge names a realm of its own",
      who: 'one path of a registry',
    },
    run: async (stage) => {
      const [shared, thief] = stage.hostile as [ScriptedRegistry, ScriptedRegistry];
      shared.answer = (request, response) => {
        const { url = '', headers } = request;
        if (url.startsWith('/token'))
          return void answerJson(response, { token: 'good', expires_in: 1 });
        const isEvil = url.includes('/evil/');
        if (headers.authorization === 'Bearer good' && !isEvil)
          return hasEverything(request, response);
        challenge(response, `https://${isEvil ? thief.host : shared.host}/token`);
      };
      await stage.pullSecret('honest', { [shared.host]: authOf('someone', 'their-password') });
      for (const path of ['/good', '/evil']) await declarePair(stage, path, shared.host);
      for (const [path, tag] of [
        ['good', 1],
        ['evil', 1],
        ['good', 2],
        ['good', 3],
      ] as const) {
        await stage.explain(`${shared.host}/${path}/app:${tag}`, path === 'good' ? ['honest'] : []);
        await delay(1_200);
      }
      const stolen = thief.seen.some(({ authorization }) => authorization.startsWith('Basic'));
      return stolen ? ['a password was sent to a realm that only another path named'] : [];
    },
  },
  {
    ...{ id: 'A4', attack: 'host names whose DNS never answers', who: 'one namespace' },
    run: async (stage, times) => {
      const hosts = Array.from(
        { length: Math.min(8 * times, 32) },
        (_, n) => `dead-${n}.attack.example.com`,
      );
      await stage.declare(
        'ReplicatedImageSet',
        `${stage.namespace}/dead`,
        equalPlaces('/dead', hosts),
      );
      await Promise.all(hosts.map((host) => stage.review(podOf([`${host}/dead/app:1`]))));
      return [];
    },
  },
  {
    ...{ id: 'A8', attack: 'five wrong credentials at 250 ms each', who: 'Pod author' },
    run: async (stage, times) => {
      const [healthy] = stage.healthy as [ScriptedRegistry];
      healthy.answer = (request, response) => {
        const { authorization = '' } = request.headers;
        if (authorization === '') return hasEverything(request, response);
        setTimeout(
          () => response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end(),
          250,
        );
      };
      const names = [1, 2, 3, 4, 5].map((n) => `wrong-${n}`);
      for (const name of names)
        await stage.pullSecret(name, { [healthy.host]: authOf(name, 'wrong') });
      const imagePullSecrets = names.map((name) => ({ name }));
      for (let n = 0; n < Math.min(3 * times, 10); n += 1) {
        await stage.review(podOf([`${healthy.host}/victim/wrong:${n}`], { imagePullSecrets }));
      }
      return await suspects(stage, healthy.host);
    },
  },
  {
    ...{
      id: 'A11a',
      attack: 'HEAD is 405, GET redirects to an internal host',
      who: 'a hostile registry',
    },
    run: async (stage) => {
      const [hostile, internal] = stage.hostile as [ScriptedRegistry, ScriptedRegistry];
      hostile.answer = (request, response) => {
        if (request.method === 'HEAD') return void response.writeHead(405).end();
        response.writeHead(302, { location: `https://${internal.host}/admin?action=stop` }).end();
      };
      internal.answer = (_, response) => response.writeHead(403).end('words of an internal host');
      await declarePair(stage, '/redirects', hostile.host);
      const { candidates } = await stage.explain(`${hostile.host}/redirects/app:1`);
      const said = JSON.stringify(candidates);
      return said.includes('words of an internal host')
        ? ["an internal host's words came back"]
        : [];
    },
  },
  {
    ...{ id: 'A11b', attack: "a set names the operator's own loopback", who: 'one namespace' },
    run: async (stage) => {
      let connections = 0;
      const server = createServer((socket) => {
        connections += 1;
        socket.on('error', () => undefined).destroy();
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as { port: number };
      await declarePair(stage, '/own', `localhost:${port}`);
      await stage.explain(`localhost:${port}/own/app:1`);
      server.close();
      return connections > 0 ? ['a port of the operator itself was asked'] : [];
    },
  },
  {
    ...{ id: 'A14', attack: '200 made-up registries', who: 'one namespace' },
    run: async (stage, times) => {
      for (let set = 0; set < Math.min(7 * times, 35); set += 1) {
        const hosts = Array.from({ length: 32 }, (_, n) => `127.1.${set}.${n + 1}:1`);
        const name = `${stage.namespace}/made-up-${set}`;
        await stage.declare('ReplicatedImageSet', name, equalPlaces(`/up-${set}`, hosts));
        await stage.review(podOf([`${hosts[0]}/up-${set}/app:1`]));
      }
      const [healthy] = stage.healthy as [ScriptedRegistry];
      await stage.explain(`${healthy.host}/victim/late:1`);
      const shown = `kube_image_keeper_registry_health{registry="${healthy.host}"`;
      return (await stage.metrics()).includes(shown)
        ? []
        : ["a declared registry's health is not shown"];
    },
  },
  {
    ...{ id: 'U1', attack: '200 reviews at once about 200 images 100 ms away', who: 'a rollout' },
    run: async (stage, times) => {
      const [far, other] = stage.hostile as [ScriptedRegistry, ScriptedRegistry];
      for (const registry of [far, other]) {
        registry.answer = (...exchange) => void setTimeout(() => hasEverything(...exchange), 100);
      }
      const spec = equalPlaces('/burst', [far.host, other.host]);
      await stage.declare('ReplicatedImageSet', `${stage.namespace}/burst`, spec);
      await delay(500);
      const count = Math.min(200 * times, 2_000);
      const answers = await Promise.all(
        Array.from({ length: count }, (_, n) =>
          stage.review(podOf([`${far.host}/burst/app-${n}:1`])),
        ),
      );
      const rewritten = answers.filter(({ patch }) => patch !== '').length;
      const warned = answers.filter(({ warnings }) => warnings.length > 0).length;
      return [
        ...(rewritten > 0 ? [`${rewritten} of ${count} were rewritten`] : []),
        ...(warned > 0 ? [`${warned} of ${count} were warned`] : []),
      ];
    },
  },
  field('F1', 'who sends no User-Agent gets 403', (request, response) => {
    if (request.headers['user-agent'] === undefined) return void response.writeHead(403).end();
    hasEverything(request, response);
  }),
  field('F2', 'answers with 20 KB of headers', (request, response) => {
    for (let n = 0; n < 20; n += 1) response.setHeader(`x-much-${n}`, 'y'.repeat(1_024));
    hasEverything(request, response);
  }),
  {
    ...{ id: 'F5', attack: "OpenShift's pull secret: user <token>", who: 'the field' },
    run: async (stage) => {
      const [registry] = stage.hostile as [ScriptedRegistry];
      registry.answer = (request, response) => {
        if (request.headers.authorization === basic('<token>', 'secret')) {
          return hasEverything(request, response);
        }
        response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
      };
      return await isAvailable(stage, registry, { [registry.host]: authOf('<token>', 'secret') });
    },
  },
  {
    ...{ id: 'F6', attack: 'a token service says 400 to one user', who: 'the field' },
    run: async (stage) => {
      const [registry] = stage.hostile as [ScriptedRegistry];
      registry.answer = (request, response) => {
        const { url = '', headers } = request;
        if (headers.authorization === 'Bearer good') return hasEverything(request, response);
        if (!url.startsWith('/token'))
          return void challenge(response, `https://${registry.host}/token`);
        if (headers.authorization !== basic('right', 'word'))
          return void response.writeHead(400).end();
        answerJson(response, { token: 'good' });
      };
      await stage.pullSecret('wrong', { [registry.host]: authOf('wrong', 'word') });
      return await isAvailable(stage, registry, { [registry.host]: authOf('right', 'word') }, [
        'wrong',
      ]);
    },
  },
  {
    ...{
      id: 'F7',
      attack: 'a name that redirects to a registry with anonymous tokens',
      who: 'the field',
    },
    run: async (stage) => {
      const [name, registry] = stage.hostile as [ScriptedRegistry, ScriptedRegistry];
      name.answer = ({ url }, response) =>
        response.writeHead(307, { location: `https://${registry.host}${url}` }).end();
      registry.answer = (request, response) => {
        if (request.headers.authorization === 'Bearer anyone')
          return hasEverything(request, response);
        if (request.url?.startsWith('/token'))
          return void answerJson(response, { token: 'anyone' });
        challenge(response, `https://${registry.host}/token`);
      };
      return await isAvailable(stage, name);
    },
  },
  {
    ...{ id: 'F8', attack: 'a login page answers for every image', who: 'the field' },
    run: async (stage) => {
      const [registry] = stage.hostile as [ScriptedRegistry];
      registry.answer = (_, response) =>
        response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Who are you?</h1>');
      const problems = await isAvailable(stage, registry);
      return problems.length > 0 ? [] : ['a login page is an image'];
    },
  },
];

/** A way of answering that v2 and kubelets bear. */
function field(id: string, attack: string, answer: ScriptedRegistry['answer']): AttackRow {
  const run = async (stage: AttackStage) => {
    const [registry] = stage.hostile as [ScriptedRegistry];
    registry.answer = answer;
    return await isAvailable(stage, registry);
  };
  return { id, attack, who: 'the field', run };
}

async function isAvailable(
  stage: AttackStage,
  registry: ScriptedRegistry,
  auths?: object,
  secretsBefore: readonly string[] = [],
): Promise<readonly string[]> {
  if (auths !== undefined) await stage.pullSecret('right', auths);
  await declarePair(stage, '/field', registry.host);
  const secrets = auths === undefined ? [] : [...secretsBefore, 'right'];
  const { candidates } = await stage.explain(`${registry.host}/field/app:1`, secrets);
  const [original] = candidates;
  if (original?.status === 'Available') return [];
  return [`expected Available, got ${original?.status}: ${original?.message ?? ''}`];
}

async function declarePair(stage: AttackStage, path: string, host: string): Promise<void> {
  const hosts = [host, stage.healthy[1]?.host ?? ''];
  await stage.declare('ReplicatedImageSet', `${stage.namespace}${path}`, equalPlaces(path, hosts));
  // A watch tells the operator of it.
  await delay(300);
}

async function suspects(stage: AttackStage, host: string): Promise<readonly string[]> {
  const health = new RegExp(`registry_health\\{registry="${host}",state="(\\w+)"\\} 1`);
  const state = health.exec(await stage.metrics())?.[1];
  return state === 'Closed' ? [] : [`a healthy registry is ${state ?? 'not shown'}`];
}

function challenge(response: ServerResponse, realm: string): void {
  const header = `Bearer realm="${realm}",service="registry"`;
  response.writeHead(401, { 'www-authenticate': header }).end();
}

function answerJson(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
