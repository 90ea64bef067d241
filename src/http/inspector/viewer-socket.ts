import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { cutText } from '#core/cut-text.ts';
import type { FrameSink } from '#core/inspection.ts';

/** How often a viewer is asked whether it is there, ms: proxies forget what is silent for a minute. */
const pingEveryMs = 15_000;
/** Who has not answered for so long is gone, or reads nothing at all; ms. */
const silentMsMax = 60_000;

/**
 * A socket as a place for frames; pings it, and cuts it off when nothing comes back. What is sent in one
 * turn of the event loop leaves together: a call of the system for each frame costs more than the frame.
 */
export function frameSink(socket: WebSocket, connection: Socket): FrameSink {
  let heardMs = performance.now();
  const pinging = setInterval(() => {
    if (performance.now() - heardMs > silentMsMax) socket.terminate();
    else socket.ping();
  }, pingEveryMs);
  pinging.unref();
  socket.on('pong', () => {
    heardMs = performance.now();
  });
  socket.once('close', () => clearInterval(pinging));
  let isGathering = false;
  const gather = () => {
    isGathering = true;
    connection.cork();
    setImmediate(() => {
      isGathering = false;
      connection.uncork();
    });
  };
  return {
    send: (frame) => {
      if (socket.readyState !== socket.OPEN) return;
      if (!isGathering) gather();
      socket.send(frame);
    },
    bufferedBytes: () => socket.bufferedAmount,
    end: (reason) => closeViewer(socket, 1011, reason),
  };
}

/** Ends a connection and says why; a reason that is too long would be thrown back at us. */
export function closeViewer(socket: WebSocket, code: number, reason: string): void {
  socket.close(code, cutText(reason, reasonBytesMax));
}

/** What a control frame holds beside its code (RFC 6455 §5.5). */
const reasonBytesMax = 123;
