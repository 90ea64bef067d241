import { expect, onTestFinished, test } from 'vitest';
import { refusal, startApiProxy } from '#test/support/api-server/api-proxy.ts';
import { admin, adminKubeconfig } from '#test/support/api-server/plane.ts';
import { startOperator } from '#test/support/operator/operator-process.ts';

test('an operator that may not see the nodes, as with an older role, is ready all the same', async () => {
  const { server, authorityPem } = admin();
  const proxy = await startApiProxy({ server, authorityPem });
  onTestFinished(proxy.close);
  proxy.setRules({ path: /^\/api\/v1\/nodes/, fault: refusal(403, 'Forbidden') });
  const operator = await startOperator({
    adminKubeconfig: adminKubeconfig(),
    server: proxy.server,
    authorityPem: proxy.authorityPem,
  });
  onTestFinished(operator.stop);
  const health = await fetch(`${operator.healthUrl}/readyz`);
  expect(health.status).toBe(200);
  expect(proxy.requests().some(({ path }) => path.startsWith('/api/v1/nodes'))).toBe(true);
});
