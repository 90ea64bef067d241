import { describe, expect, test } from 'vitest';
import { createLog, redact } from '#telemetry/log.ts';

/** Logs one line as JSON and gives it back. */
function logged(write: (log: ReturnType<typeof createLog>) => void): Record<string, unknown> {
  const lines: string[] = [];
  const destination = { write: (line: string) => lines.push(line) };
  write(createLog({ level: 'debug', format: 'json', destination }));
  return JSON.parse(lines[0] ?? '{}');
}

describe('the log', () => {
  test('is one JSON object a line, with the level by name and the time in RFC 3339', () => {
    const line = logged((log) => log.child({ actor: 'a' }).info({ image: 'x:1' }, 'rewritten'));
    expect(line).toMatchObject({ level: 'info', actor: 'a', image: 'x:1', msg: 'rewritten' });
    expect(line['time']).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    expect(Object.keys(line)).not.toContain('pid');
  });

  test.each([
    'authorization',
    'Authorization',
    'proxy-authorization',
    'password',
    'passwd',
    '.dockerconfigjson',
    '.dockercfg',
    'token',
    'identitytoken',
    'refresh_token',
    'auth',
    'set-cookie',
    'privateKey',
    'tls.key',
    'ca.key',
    'data',
    'stringData',
    'credentials',
  ])('never shows a field called %s, however deep', (name) => {
    const deep = { list: [{ one: { two: { three: { [name]: 'hunter2' } } } }] };
    for (const fields of [{ [name]: 'hunter2' }, { headers: { [name]: 'hunter2' } }, deep]) {
      expect(JSON.stringify(logged((log) => log.info(fields, 'x')))).not.toContain('hunter2');
      expect(JSON.stringify(logged((log) => log.child(fields).info('x')))).not.toContain('hunter2');
    }
    expect(JSON.stringify(logged((log) => log.info(deep, 'x')))).toContain('[redacted]');
  });

  test('cuts a text that a Pod may have made a megabyte long, and says how long it was', () => {
    const image = `registry.example.com/${'A'.repeat(1_048_576)}`;
    const decision = { image, winner: image };
    const line = JSON.stringify(logged((log) => log.warn({ decision }, 'decided on')));
    expect(line.length).toBeLessThan(10_000);
    expect(line).toContain(`… (${image.length} characters)`);
    const secret = `https://user:${'hunter2'.repeat(1_000)}@registry.example.com/`;
    expect(JSON.stringify(logged((log) => log.warn({ url: secret }, 'x')))).not.toContain('hunter');
  });

  test('hides credentials in URLs and Bearer tokens, in fields, messages and errors', () => {
    const secret = 'https://user:hunter2@registry.example.com/v2/';
    const bearer = 'sent Bearer abcdefgh.hunter2 to it';
    const error = Object.assign(new Error(`failed: ${secret}`, { cause: new Error(bearer) }), {
      headers: { authorization: 'hunter2' },
    });
    for (const write of [
      (log: ReturnType<typeof createLog>) => log.info({ url: secret }, bearer),
      (log: ReturnType<typeof createLog>) => log.error({ err: error }, 'failed'),
      (log: ReturnType<typeof createLog>) => log.error(error),
      (log: ReturnType<typeof createLog>) => log.error({ reason: { error } }, 'failed'),
    ]) {
      const line = JSON.stringify(logged(write));
      expect(line).not.toContain('hunter2');
      expect(line).toContain('registry.example.com');
    }
  });

  test('leaves images, names and digests as they are', () => {
    const fields = {
      image: 'registry.example.com/team/app:1@sha256:abc',
      credential: 'default/pull-secret',
      author: 'a',
      count: 3,
      none: null,
    };
    expect(logged((log) => log.info(fields, 'x'))).toMatchObject(fields);
  });

  test('survives what refers to itself', () => {
    const loop: Record<string, unknown> = { name: 'loop' };
    loop['self'] = loop;
    expect(JSON.stringify(redact(loop))).toContain('[cut]');
    expect(logged((log) => log.info({ loop }, 'x'))['msg']).toBe('x');
  });

  test('is written for a person when asked', () => {
    const lines: string[] = [];
    const destination = { write: (line: string) => lines.push(line) };
    createLog({ level: 'info', format: 'pretty', destination }).info({ image: 'x:1' }, 'rewritten');
    expect(lines.join('')).toMatch(/INFO.*rewritten/);
  });

  test('tells a person of a decision in one line of words', () => {
    const lines: string[] = [];
    const destination = { write: (line: string) => lines.push(line) };
    const log = createLog({ level: 'info', format: 'pretty', destination });
    const review = { uid: 'u', namespace: 'shop', pod: 'web-', dryRun: false };
    const common = { key: 'app', image: 'docker.io/x', by: 'ClusterReplicatedImageSet/both' };
    const told = { ...common, reason: 'OriginalUnreachable', candidates: [{ ms: 4 }], ms: 12 };
    log.info({ review, decision: { ...told, winner: 'quay.io/x' } }, 'an image was decided on');
    log.warn({ review, decision: { ...told, winner: 'docker.io/x' } }, 'an image was decided on');
    expect(lines).toEqual([
      expect.stringMatching(
        /INFO.*: docker\.io\/x → quay\.io\/x, OriginalUnreachable, 12 ms \(Pod shop\/web-, app\)\n$/,
      ),
      expect.stringMatching(/WARN.*: docker\.io\/x stays, OriginalUnreachable, 12 ms/),
    ]);
    for (const line of lines) expect(line.split('\n')).toHaveLength(2);
  });

  test('says nothing below its level', () => {
    const lines: string[] = [];
    const destination = { write: (line: string) => lines.push(line) };
    createLog({ level: 'warn', format: 'json', destination }).info('x');
    expect(lines).toEqual([]);
  });
});
