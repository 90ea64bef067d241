import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';

/** What is said of one name: addresses, that it is not there, or nothing at all. */
export type DnsAnswer = readonly string[] | 'no such name' | 'silence';

/** A name server on loopback that knows what the test tells it; all else is not there. */
export interface DnsServer {
  /** As `nameserver` of a resolv.conf has it. */
  readonly address: string;
  /** Names asked for, each once for IPv4 and once for IPv6. */
  readonly asked: () => readonly string[];
  readonly close: () => Promise<void>;
}

const typeA = 1;
const typeAaaa = 28;
const noSuchName = 3;

/** Starts one; `answerOf` is asked with the name in lower case, and 4 or 6. */
export async function startDnsServer(
  answerOf: (name: string, family: 4 | 6) => DnsAnswer,
): Promise<DnsServer> {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  socket.on('message', (question: Buffer, from: RemoteInfo) => {
    const { name, type, end } = readQuestion(question);
    asked.push(name);
    const answer = answerOf(name, type === typeAaaa ? 6 : 4);
    if (answer === 'silence') return;
    const addresses = answer === 'no such name' ? [] : answer.map(addressBytes);
    const meant = addresses.filter(({ length }) => length === (type === typeA ? 4 : 16));
    const header = Buffer.alloc(12);
    question.copy(header, 0, 0, 2);
    header.writeUInt16BE(0x8180 | (answer === 'no such name' ? noSuchName : 0), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(meant.length, 6);
    const records = meant.map((bytes) => record(type, bytes));
    socket.send(Buffer.concat([header, question.subarray(12, end), ...records]), from.port);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked: () => asked,
    close: async () => {
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
}

/** RFC 1035 §4.1.2: labels with their length before them, then type and class. */
function readQuestion(message: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = message.readUInt8(at); length > 0; length = message.readUInt8(at)) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 };
}

/** RFC 1035 §4.1.3, the name as a pointer to the question's. */
function record(type: number, bytes: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(bytes.length, 10);
  return Buffer.concat([head, bytes]);
}

/** IPv6 with all its eight groups written, which is enough for a test. */
function addressBytes(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number));
  const groups = address.split(':').map((group) => group.padStart(4, '0'));
  return Buffer.from(groups.join(''), 'hex');
}
