import { expect, test } from 'vitest';
import { adminKubeconfig } from '#test/support/api-server/plane.ts';
import { startOperator } from '#test/support/operator/operator-process.ts';

test('an operator that does not get ready fails loudly, with its log', async () => {
  const unready = startOperator({
    adminKubeconfig: adminKubeconfig(),
    flags: ['--no-such-flag'],
  });
  await expect(unready).rejects.toThrow(/^The operator ended with code \d+ before it was ready:\n/);
});
