import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  type AdmissionStage,
  startAdmissionStage,
} from '#test/support/operator/admission-stage.ts';
import { type BareConnection, openConnection } from '#test/support/operator/open-connections.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** All four listeners of one process, and what nobody may make of them. */
let stage: AdmissionStage;

beforeAll(async () => {
  stage = await startAdmissionStage();
});

afterAll(async () => await stage?.operator.kill());

interface ListenerCase {
  readonly name: 'webhookUrl' | 'metricsUrl' | 'healthUrl' | 'debugUrl';
  readonly path: string;
  readonly connectionsMax: number;
  readonly headerBytesMax: number;
}

const kibi = 1_024;
const listeners: readonly ListenerCase[] = [
  { name: 'webhookUrl', path: '/mutate--v1-pod', connectionsMax: 2_048, headerBytesMax: 16 * kibi },
  { name: 'metricsUrl', path: '/metrics', connectionsMax: 256, headerBytesMax: 16 * kibi },
  { name: 'healthUrl', path: '/readyz', connectionsMax: 256, headerBytesMax: 16 * kibi },
  { name: 'debugUrl', path: '/debug/actors', connectionsMax: 64, headerBytesMax: kibi * kibi },
];
/** Ten seconds for a request, and one until somebody looks. */
const slowMsMax = 15_000;

const portOf = ({ name }: ListenerCase) => Number(new URL(stage.operator[name]).port);

/** One that can speak: over TLS where the listener does. */
async function open(listener: ListenerCase, localAddress?: string): Promise<BareConnection> {
  const bare = await openConnection(portOf(listener), localAddress);
  onTestFinished(() => void bare.socket.destroy());
  if (listener.name !== 'webhookUrl') return bare;
  const secure = connectTls({ socket: bare.socket, rejectUnauthorized: false });
  let answer = '';
  secure
    .on('error', () => undefined)
    .on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
    });
  return { socket: secure, answer: () => answer, isClosed: bare.isClosed };
}

describe.each(listeners)('the listener of $name', (listener) => {
  const { path, headerBytesMax, connectionsMax } = listener;

  test('takes no more header than it needs', async () => {
    const { socket, answer } = await open(listener);
    const field = `x-long: ${'y'.repeat(headerBytesMax + kibi)}`;
    socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${field}\r\n\r\n`);
    await eventually('it is refused', () => answer().startsWith('HTTP/1.1 431 '));
  });

  test('takes no body that it has no use for', async () => {
    const { socket, answer, isClosed } = await open(listener);
    const tooMany = listener.name === 'webhookUrl' ? 1_000_000_000 : 1_000_000;
    const lines = [
      `POST ${path} HTTP/1.1`,
      'host: 127.0.0.1',
      'content-type: application/json',
      `content-length: ${tooMany}`,
    ];
    socket.write(`${lines.join('\r\n')}\r\n\r\n${'{'.repeat(kibi)}`);
    await eventually('it is answered or closed', () => answer() !== '' || isClosed());
    expect(answer()).not.toMatch(/^HTTP\/1.1 5/);
  });

  test('holds no more connections than it may, and lets others in', async () => {
    const held = await Promise.all(
      Array.from({ length: connectionsMax + 20 }, () => openConnection(portOf(listener))),
    );
    onTestFinished(() => {
      for (const { socket } of held) socket.destroy();
    });
    await eventually('those beyond are closed', () => {
      return held.filter(({ isClosed }) => !isClosed()).length <= connectionsMax;
    });
    const { socket, answer } = await open(listener, '127.0.0.2');
    socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`);
    await eventually('another is answered', () => answer().startsWith('HTTP/1.1 '));
  });
});

test('no listener waits longer for a request than ten seconds', async () => {
  const startedMs = performance.now();
  const slow = await Promise.all(
    listeners.flatMap((listener) =>
      ['', 'GET / HT', 'GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: '].map(async (sent) => {
        const connection = await open(listener);
        if (sent !== '') connection.socket.write(sent);
        return { ...connection, name: `${listener.name} after "${sent}"` };
      }),
    ),
  );
  await eventually(
    'all are closed',
    () => {
      expect(slow.filter(({ isClosed }) => !isClosed()).map(({ name }) => name)).toEqual([]);
      return true;
    },
    { withinMs: slowMsMax },
  );
  expect(performance.now() - startedMs).toBeLessThan(slowMsMax);
});
