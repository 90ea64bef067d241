import { expect, onTestFinished, test } from 'vitest';
import { refusal, ruleFor, startApiProxy } from '#test/support/api-server/api-proxy.ts';
import { admin, adminKubeconfig, freshNamespace } from '#test/support/api-server/plane.ts';
import { createPod, oneContainer } from '#test/support/operator/created-pod.ts';
import { startOperator } from '#test/support/operator/operator-process.ts';
import { eventually } from '#test/support/time/eventually.ts';

const fault = refusal(500, 'InternalError');
const lists = [/\/pods$/, /\/imagesetmirrors$/].map((path) => ruleFor('list', { path, fault }));
const secrets = { path: /\/secrets\b/, fault };
const configuration = { path: /\/mutatingwebhookconfigurations\b/, method: 'POST', fault };

test('a process is ready only when caches, table, certificate, listener and webhook configuration are there', async () => {
  const { server, authorityPem } = admin();
  const proxy = await startApiProxy({ server, authorityPem });
  onTestFinished(() => proxy.close());
  const launched = Promise.withResolvers<string>();
  proxy.setRules(...lists, secrets, configuration);
  const starting = startOperator({
    ...{ adminKubeconfig: adminKubeconfig(), server: proxy.server },
    ...{ authorityPem: proxy.authorityPem, launched: launched.resolve },
  });
  onTestFinished(async () => await (await starting).kill());
  const healthUrl = await Promise.race([launched.promise, starting.then(() => '')]);
  const waitingFor = async () => {
    const answer = await fetch(`${healthUrl}/readyz`);
    const { ready, waitingFor: left } = (await answer.json()) as {
      readonly ready: boolean;
      readonly waitingFor: readonly string[];
    };
    expect(answer.status).toBe(ready ? 200 : 503);
    return left;
  };
  const webhook = ['certificate loaded', 'webhook listening'];
  const written = 'webhook configuration written';
  const until = async (expected: readonly string[]) =>
    await eventually(`it waits for ${expected.join(', ')}`, async () => {
      expect(await waitingFor()).toEqual(expected);
      // A process that waits for others is as well as any.
      expect((await fetch(`${healthUrl}/healthz`)).status).toBe(200);
      return true;
    });
  const caches = ['cache of imagesetmirrors', 'cache of pods'];
  await until([...caches, 'routing table built', ...webhook, written]);
  proxy.setRules(secrets, configuration);
  await until([...webhook, written]);
  proxy.setRules(configuration);
  await until([written]);
  const namespace = await freshNamespace();
  await createPod(namespace, oneContainer('registry.example.com/app:1'));
  proxy.setRules();
  const operator = await starting;
  expect(await waitingFor()).toEqual([]);
  expect(await operator.reviews()).toBe(0);
  // The API server itself follows its webhooks a moment later.
  await eventually('Pods are reviewed', async () => {
    await createPod(namespace, oneContainer('registry.example.com/app:1'));
    return (await operator.reviews()) > 0;
  });
});
