import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { certificateDirectory } from '#actors/certificate/certificate-directory.ts';
import { createSite, isTrusted, startReplica } from '#test/support/operator/certificate-site.ts';
import { makeAuthority } from '#test/support/registries/tls.ts';
import { eventually } from '#test/support/time/eventually.ts';

describe('a certificate from a directory', () => {
  const temporary = () => {
    const directory = mkdtempSync(join(tmpdir(), 'kuik-certificate-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    return directory;
  };
  const put = (directory: string, files: Record<string, string>) => {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  };

  test('is waited for, loaded, and loaded again when it changes; what it names is trusted', async () => {
    const site = await createSite('https://127.0.0.1:9443');
    const directory = temporary();
    const { actor, serving, served } = startReplica(site, {
      source: certificateDirectory(directory, Date.now),
    });
    await eventually('it waits', () => actor.getSnapshot().value === 'Waiting');
    expect(actor.getSnapshot().context.trouble).toContain(`${directory}/tls.crt`);
    const authority = await makeAuthority();
    for (const round of [1, 2]) {
      const { certificatePem, keyPem } = await authority.issue();
      put(directory, { 'tls.crt': certificatePem, 'tls.key': keyPem, 'ca.crt': authority.pem });
      await eventually('it is served', () => serving()?.cert === certificatePem);
      await eventually('it is trusted', async () => isTrusted(serving(), await site.bundle()));
      expect(served.length).toBe(round);
    }
  });

  test('that is bad is refused with a clear reason while the previous one keeps serving', async () => {
    const site = await createSite('https://127.0.0.1:9443');
    const directory = temporary();
    const authority = await makeAuthority();
    const good = await authority.issue();
    put(directory, { 'tls.crt': good.certificatePem, 'tls.key': good.keyPem });
    const { actor, serving, served, lines } = startReplica(site, {
      source: certificateDirectory(directory, Date.now),
    });
    await eventually('it is served', serving);
    const dayMs = 86_400_000;
    const ended = await authority.issue({
      notBefore: new Date(Date.now() - 2 * dayMs),
      notAfter: new Date(Date.now() - dayMs),
    });
    const other = await authority.issue();
    const bad: [Record<string, string>, string][] = [
      [{ 'tls.crt': ended.certificatePem, 'tls.key': ended.keyPem }, 'got one that ended'],
      [{ 'tls.crt': good.certificatePem, 'tls.key': other.keyPem }, 'got another key'],
      [{ 'tls.crt': 'LOREM', 'tls.key': good.keyPem }, 'expected a PEM certificate'],
      [{ 'tls.crt': good.certificatePem, 'tls.key': 'IPSUM' }, 'expected a PEM private key'],
      [{ 'tls.crt': 'x'.repeat(1_000_000), 'tls.key': good.keyPem }, 'expected a PEM certificate'],
    ];
    for (const [files, reason] of bad) {
      put(directory, files);
      await eventually(reason, () => actor.getSnapshot().context.trouble?.includes(reason));
      await eventually('it goes on', () => actor.getSnapshot().value === 'Serving');
    }
    expect([served.length, serving()?.cert]).toEqual([1, good.certificatePem]);
    put(directory, { 'tls.crt': other.certificatePem, 'tls.key': other.keyPem });
    await eventually('the next is served', () => serving()?.cert === other.certificatePem);
    expect(actor.getSnapshot().context.trouble).toBeNull();
    expect(lines.join('')).not.toContain('PRIVATE KEY');
  });
});
