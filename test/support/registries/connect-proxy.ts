import { once } from 'node:events';
import { createServer, request as sendHttp } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

/** A real forward proxy: CONNECT tunnels for TLS, whole URLs for plain HTTP. */
export interface ConnectProxy {
  readonly url: string;
  /** What it was asked for: `CONNECT host:port` or `GET http://…`. */
  readonly asked: () => readonly string[];
  readonly close: () => Promise<void>;
}

/** How the proxy behaves. */
export interface ConnectProxyOptions {
  /** `user:password` that it wants. */
  readonly userinfo?: string;
  /** Every name leads here, as a proxy resolves names that its clients cannot. */
  readonly leadsTo?: number;
}

/** Starts a proxy on loopback. */
export async function startConnectProxy(options: ConnectProxyOptions = {}): Promise<ConnectProxy> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const wanted = options.userinfo && `Basic ${Buffer.from(options.userinfo).toString('base64')}`;
  const server = createServer((incoming, response) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    const target = new URL(incoming.url ?? '');
    if (options.leadsTo !== undefined) target.host = `127.0.0.1:${options.leadsTo}`;
    const onward = sendHttp(target, { method: incoming.method, headers: incoming.headers });
    onward.on('error', () => response.destroy());
    onward.on('response', (real) => {
      response.writeHead(real.statusCode ?? 502, real.headers);
      real.pipe(response);
    });
    incoming.pipe(onward);
  });
  server.on('connect', (incoming, socket: Socket) => {
    asked.push(`CONNECT ${incoming.url}`);
    if (wanted && incoming.headers['proxy-authorization'] !== wanted) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(incoming.url ?? '') ?? [];
    const onward = connect({
      host: options.leadsTo === undefined ? host : '127.0.0.1',
      port: options.leadsTo ?? Number(port),
    });
    sockets.add(onward).add(socket);
    onward.on('connect', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const userinfo = options.userinfo === undefined ? '' : `${options.userinfo}@`;
  return {
    url: `http://${userinfo}127.0.0.1:${port}`,
    asked: () => asked,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
