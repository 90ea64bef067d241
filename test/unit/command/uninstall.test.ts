import { expect, test } from 'vitest';
import { uninstallCommand } from '#command/uninstall.ts';

test.each(['', 'a,,b', ',a'])('uninstall refuses --secrets=%s', async (where) => {
  const command = uninstallCommand()
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  const parsed = command.parseAsync([`--secrets=${where}`], { from: 'user' });
  await expect(parsed).rejects.toThrow('--secrets <where>');
});
