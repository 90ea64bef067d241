import { expect, test } from 'vitest';
import { startOperator } from '#test/support/operator-process.ts';
import { adminKubeconfig } from '#test/support/plane.ts';

test('an operator that does not get ready fails loudly, with its log', async () => {
  const unready = startOperator({
    adminKubeconfig: adminKubeconfig(),
    flags: ['--no-such-flag'],
  });
  await expect(unready).rejects.toThrow(/^The operator ended with code \d+ before it was ready:\n/);
});
