import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { AttackRow } from '#test/attack/attack-row.ts';
import { type AttackStage, declarePair, equalPlaces, podOf } from '#test/attack/attack-stage.ts';
import { hasEverything, type ScriptedRegistry } from '#test/attack/scripted-registry.ts';
import { answerJson, authOf, challenge } from './answers.ts';
import { unresolved } from './unresolved.ts';

/** Three round trips of 100 ms, and what the CPU needs for 200 new connections. */
const burstMsMax = 800;
/** Connections beyond four are closed again when they are idle. */
const connectionsMax = 4;
const afterBurstMs = 30_000;

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
  unresolved('A4', 'host names whose DNS never answers', 'one namespace', 8),
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
      const endMs = performance.now() + 5_000;
      const author = async (_: unknown, which: number) => {
        for (let n = 0; performance.now() < endMs; n += 1) {
          const image = `${healthy.host}/victim/wrong-${which}:${n}`;
          await stage.review(podOf([image], { imagePullSecrets }));
        }
      };
      await Promise.all(Array.from({ length: Math.min(4 * times, 40) }, author));
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
      const sets = Array.from({ length: Math.min(7 * times, 35) }, (_, set) => set);
      const hostsOf = (set: number) =>
        Array.from({ length: 32 }, (_, n) => `127.1.${set}.${n + 1}:1`);
      for (const set of sets) {
        const name = `${stage.namespace}/made-up-${set}`;
        await stage.declare('ReplicatedImageSet', name, equalPlaces(`/up-${set}`, hostsOf(set)));
      }
      await delay(500);
      for (const set of sets) await stage.review(podOf([`${hostsOf(set)[0]}/up-${set}/app:1`]));
      const late = stage.hostile.map(({ host }) => host);
      await stage.declare('ClusterReplicatedImageSet', 'late', equalPlaces('/late', late));
      await delay(500);
      await stage.explain(`${late[0]}/late/app:1`);
      const shown = `kube_image_keeper_registry_health{registry="${late[0]}"`;
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
      const slowest = Math.round(Math.max(...answers.map(({ ms }) => ms)));
      const warned = answers.filter(({ warnings }) => warnings.length > 0).length;
      await delay(afterBurstMs);
      const open = await far.openConnections();
      return [
        ...(open > connectionsMax ? [`${open} connections are open half a minute later`] : []),
        ...(rewritten > 0 ? [`${rewritten} of ${count} were rewritten`] : []),
        ...(slowest > burstMsMax ? [`the slowest took ${slowest} ms`] : []),
        ...(warned > 0 ? [`${warned} of ${count} were warned`] : []),
      ];
    },
  },
];

async function suspects(stage: AttackStage, host: string): Promise<readonly string[]> {
  const health = new RegExp(`registry_health\\{registry="${host}",state="(\\w+)"\\} 1`);
  const state = health.exec(await stage.metrics())?.[1];
  return state === 'Closed' ? [] : [`a healthy registry is ${state ?? 'not shown'}`];
}
