import type { AttackRow } from '#test/attack/attack-row.ts';
import { type AttackStage, declarePair } from '#test/attack/attack-stage.ts';
import { hasEverything, type ScriptedRegistry } from '#test/attack/scripted-registry.ts';
import { answerJson, authOf, basic, challenge } from './answers.ts';
import { unresolved } from './unresolved.ts';

/** What registries and names of the field do, and kubelets bear. */
export const fieldRows: readonly AttackRow[] = [
  field('F1', 'who sends no User-Agent gets 403', (request, response) => {
    if (request.headers['user-agent'] === undefined) return void response.writeHead(403).end();
    hasEverything(request, response);
  }),
  field('F2', 'answers with 20 KB of headers', (request, response) => {
    for (let n = 0; n < 20; n += 1) response.setHeader(`x-much-${n}`, 'y'.repeat(1_024));
    hasEverything(request, response);
  }),
  field('F3', 'the trusted bundle holds the issuing authority, not its root', hasEverything),
  unresolved('F4', 'two names that do not resolve, asked at once', 'the field', 2),
  {
    ...{ id: 'F5', attack: "OpenShift's pull secret: user <token>", who: 'the field' },
    run: async (stage) => {
      const [registry] = stage.hostile as [ScriptedRegistry];
      registry.answer = (request, response) => {
        const { method, url = '', headers } = request;
        if (headers.authorization === 'Bearer good') return hasEverything(request, response);
        if (!url.startsWith('/token')) {
          return void challenge(response, `https://${registry.host}/token`);
        }
        // It is a password that looks like an identity token: nothing is exchanged for it.
        if (method === 'POST') return void response.writeHead(400).end();
        if (headers.authorization === basic('<token>', 'secret')) {
          return void answerJson(response, { token: 'good' });
        }
        response.writeHead(401).end();
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
      attack: 'a name redirects to a registry with anonymous tokens',
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
