import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { AnswerFault } from './answer-faults.ts';
import type { Forwarder } from './forwarder.ts';
import { type RequestFault, sentWith } from './request-faults.ts';
import { type ResponseFault, serveWith } from './response-faults.ts';
import type { Traffic } from './traffic.ts';

/** What a registry can do wrong. */
export type Fault =
  | AnswerFault
  | RequestFault
  | ResponseFault
  /** Serves after so long. */
  | { readonly kind: 'delay'; readonly delayMs: number };

/** One request, its answer to be, and the TCP connection below it (and below TLS). */
export interface Exchange {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly connection: Socket | undefined;
  readonly traffic: Traffic;
}

/** Sends the request on to the real registry, spoiling it or the answer where the fault says so. */
export function forwardingFault(
  fault: Fault | undefined,
  { forward, ...exchange }: Exchange & { readonly forward: Forwarder },
): void {
  const send = (): void => {
    forward(sentWith(fault, exchange), exchange.response, (real) =>
      serveWith(fault, real, exchange),
    );
  };
  if (fault?.kind === 'delay') void delay(fault.delayMs).then(send);
  else send();
}
