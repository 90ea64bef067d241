/** A way into a process of ours that was started with `--inspect=127.0.0.1:<port>`. */
export interface Inspector {
  /** One call of the DevTools protocol. */
  readonly call: (method: string, parameters?: object) => Promise<unknown>;
  /** The value of an expression in that process, as JSON has it. */
  readonly evaluate: (expression: string) => Promise<unknown>;
  /** Twice: what finalizers held goes with the second collection. */
  readonly collectGarbage: () => Promise<void>;
  /** Bytes of the heap in use now. */
  readonly heapBytes: () => Promise<number>;
  readonly close: () => void;
}

/** A full collection of a heap of some hundred megabytes takes under a second. */
const answerWithinMs = 30_000;

/** Opens the inspector at a port of loopback. */
export async function openInspector(inspectPort: number): Promise<Inspector> {
  const targets = (await (await fetch(`http://127.0.0.1:${inspectPort}/json/list`)).json()) as {
    readonly webSocketDebuggerUrl: string;
  }[];
  const url = targets[0]?.webSocketDebuggerUrl;
  if (url === undefined) throw new Error(`Expected an inspector at port ${inspectPort}.`);
  const socket = new WebSocket(url);
  await opened(socket);
  const call = (method: string, parameters: object = {}) => ask(socket, { method, parameters });
  return {
    call,
    evaluate: async (expression) => {
      const answer = await call('Runtime.evaluate', { expression, returnByValue: true });
      const { result, exceptionDetails } = answer as Evaluated;
      if (exceptionDetails !== undefined) throw new Error(exceptionDetails.text);
      return result.value;
    },
    collectGarbage: async () => {
      await call('HeapProfiler.collectGarbage');
      await call('HeapProfiler.collectGarbage');
    },
    heapBytes: async () =>
      ((await call('Runtime.getHeapUsage')) as { readonly usedSize: number }).usedSize,
    close: () => socket.close(),
  };
}

interface Evaluated {
  readonly result: { readonly value?: unknown };
  readonly exceptionDetails?: { readonly text: string };
}

function opened(socket: WebSocket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.addEventListener('open', () => resolve());
  socket.addEventListener('error', () => reject(new Error('The inspector refused to talk.')));
  return promise;
}

let lastId = 0;

function ask(
  socket: WebSocket,
  { method, parameters }: { readonly method: string; readonly parameters: object },
): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  lastId += 1;
  const id = lastId;
  const late = setTimeout(() => reject(new Error(`${method}: no answer.`)), answerWithinMs);
  const listen = (message: MessageEvent) => {
    const answer = JSON.parse(String(message.data)) as { id?: number; result?: unknown };
    if (answer.id !== id) return;
    clearTimeout(late);
    socket.removeEventListener('message', listen);
    resolve(answer.result);
  };
  socket.addEventListener('message', listen);
  socket.send(JSON.stringify({ id, method, params: parameters }));
  return promise;
}
