import { AsyncLocalStorage } from 'node:async_hooks';
import type { Dispatcher } from 'undici';
import { BoundedMap } from '#core/bounded-map.ts';
import { writtenZone, type Zone } from './addresses.ts';
import { type BlockStream, receiveBlocks } from './block-stream.ts';
import type { OpenSocket } from './dial.ts';
import {
  createAgent,
  createProxyAgent,
  ORIGINS_MAX,
  type Purpose,
  type RegistrySettings,
} from './dispatchers.ts';
import { IdleWait, onceIdle } from './idle-wait.ts';
import type { Names } from './names.ts';
import type { ChooseProxy } from './proxies.ts';
import type { AnswerHeaders } from './quota.ts';
import type { Trust } from './trust.ts';
import { TurnGate } from './turn-gate.ts';

/** Where one request goes, and for whom. */
export interface Destination {
  readonly registry: string;
  readonly url: URL;
  /** Who leads there: addresses nearer to us than that are refused. */
  readonly from: Zone;
  /** Whose look-ups of names this one is counted with: a namespace. */
  readonly share?: string;
  /** Which of the registry's connections it takes. */
  readonly purpose: Purpose;
}

/** What is sent there. */
export interface SentRequest {
  readonly method: Dispatcher.HttpMethod;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer | AsyncIterable<Buffer> | null;
  readonly signal: AbortSignal;
  /** How long a transfer waits for an answer to begin; 300 s unless told. */
  readonly headersTimeoutMs?: number;
  /** How long it waits for the next bytes of one. */
  readonly bodyTimeoutMs?: number;
}

/** What came back, and from where. */
export interface ReceivedAnswer {
  readonly statusCode: number;
  readonly headers: AnswerHeaders;
  readonly body: AsyncIterable<Buffer>;
  /** The same, of a transfer. */
  readonly blocks?: BlockStream;
  readonly zone: Zone;
}

/** The kept-alive connections, a bounded set for each registry. */
export interface Connections {
  readonly request: (to: Destination, request: SentRequest) => Promise<ReceivedAnswer>;
  readonly close: () => Promise<void>;
}

/** What connections are made of. */
export interface ConnectionOptions {
  readonly settingsOf: (registry: string) => RegistrySettings;
  readonly trust: Trust;
  readonly names: Names;
  readonly chooseProxy: ChooseProxy;
  readonly openSocket?: OpenSocket;
}

/** Registries whose connections are kept, with what they lead to: Pods may name any number. */
const AGENTS_MAX = 1_024;
/** Begun in one turn of the event loop, dials and handshakes: each takes some 0.3 ms of it. */
const OPENINGS_PER_TURN = 16;
const REQUESTS_PER_TURN = 32;

/** The connections of one registry to those that one zone may lead to. */
interface RegistryAgent {
  readonly dispatcher: Dispatcher;
  /** By origin: who waits for one of its connections. */
  readonly waits: BoundedMap<string, IdleWait>;
  /** By origin: of all addresses that were connected to, where the furthest is. */
  readonly zones: BoundedMap<string, Zone>;
}

/** Makes the connections; none is opened before it is needed. */
export function createConnections(options: ConnectionOptions): Connections {
  const agents = new BoundedMap<string, RegistryAgent>(AGENTS_MAX, ({ dispatcher }) => {
    // Graceful: what is in flight ends by itself. Failing to close has no one to tell.
    dispatcher.close().catch(() => undefined);
  });
  const closing = new AbortController();
  // undici opens connections by itself: on whose behalf is known only while it is asked to.
  const shares = new AsyncLocalStorage<string | undefined>();
  const openings = new TurnGate(OPENINGS_PER_TURN);
  const requests = new TurnGate(REQUESTS_PER_TURN);

  const agentFor = ({ registry, url, from, purpose }: Destination): RegistryAgent => {
    const proxy = options.chooseProxy(url);
    // Apart for each zone: a connection that one may use is none that another may.
    const key = [registry, purpose, from, proxy?.href].join(' ');
    const known = agents.get(key);
    if (known !== undefined) return known;
    const settings = options.settingsOf(registry);
    const zones = new BoundedMap<string, Zone>(ORIGINS_MAX);
    const opening = { ...options, from, zones, closing: closing.signal, share: shares, openings };
    const use = { settings, purpose };
    const dispatcher =
      proxy === undefined ? createAgent(opening, use) : createProxyAgent(options, use, proxy);
    const agent = { dispatcher, zones, waits: new BoundedMap<string, IdleWait>(ORIGINS_MAX) };
    agents.set(key, agent);
    return agent;
  };

  return {
    request: async (to, request) => {
      const { url, share } = to;
      const agent = agentFor(to);
      const sent = { ...request, origin: url.origin, path: `${url.pathname}${url.search}` };
      const answer = await shares.run(share, () =>
        to.purpose === 'probe'
          ? probe({ ...agent, requests }, sent)
          : receiveBlocks(agent.dispatcher, sent),
      );
      // What a proxy reaches is out in the world, unless it is written as an address.
      const zone = agent.zones.get(url.origin) ?? writtenZone(url.hostname) ?? 'public';
      return { ...answer, zone };
    },
    close: async () => {
      const closed = agents.values().map(({ dispatcher }) => dispatcher.destroy());
      // undici forgets sockets that are not connected yet; they would live on to their timeout.
      closing.abort();
      await Promise.all(closed);
    },
  };
}

/** A short exchange, over a connection that is kept where there is one. */
async function probe(
  { dispatcher, waits, requests }: RegistryAgent & { readonly requests: TurnGate },
  {
    bodyTimeoutMs: _,
    headersTimeoutMs: __,
    ...sent
  }: SentRequest & { readonly origin: string; readonly path: string },
): Promise<Omit<ReceivedAnswer, 'zone'>> {
  const answer = await onceIdle({ wait: waitFor(waits, sent.origin), requests }, () =>
    // Without `reset` undici ends the connection after every HEAD.
    dispatcher.request({ reset: false, ...sent } as Dispatcher.RequestOptions),
  );
  // Destroying a body with bytes left emits an error that is nobody's.
  answer.body.on('error', () => undefined);
  return answer;
}

function waitFor(waits: RegistryAgent['waits'], origin: string): IdleWait {
  const known = waits.get(origin) ?? new IdleWait();
  waits.set(origin, known);
  return known;
}
