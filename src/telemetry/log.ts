import { createRequire } from 'node:module';
import {
  type DestinationStream,
  type LevelWithSilent,
  type Logger,
  pino,
  stdSerializers,
} from 'pino';
import type { prettyFactory } from 'pino-pretty';
import type { RouteDecision } from '#core/routing/decision.ts';

/** The log that rooms hand on as `log.child({ actor, key })`. */
export type Log = Logger;

/** How much is logged, and how. */
export interface LogOptions {
  readonly level: LevelWithSilent;
  readonly format: 'json' | 'pretty';
  /** Where lines go; standard error unless told. */
  readonly destination?: DestinationStream;
}

/**
 * What is never logged, whatever the depth: a field whose name matches one of these. The list errs
 * on the side of hiding; a field that must be seen gets a name that matches none.
 */
const redactedNames: readonly RegExp[] = [
  /authorization/i,
  /^auth$/i,
  /passw(or)?d/i,
  /dockerc(onfig|fg)/i,
  /token/i,
  /private.?key|^(tls|ca)\.key$/i,
  /cookie/i,
  /^(string)?data$/i,
  /^credentials$/i,
];

/** The same in one look: it is asked of every field of every line, and of every frame. */
const secretName = new RegExp(redactedNames.map(({ source }) => source).join('|'), 'i');

/** What stands in the place of what is hidden. */
export const redacted = '[redacted]';

/** Deeper than any of our own fields; foreign data below it is cut, which also ends cycles. */
const depthMax = 8;

/** Longer texts are cut: an image name from a Pod may have a megabyte, and is said more than once. */
const textCharactersMax = 4_096;

/** `https://user:secret@host`: the part before the `@`. */
const userinfo = /(:\/\/)[^/\s@]+@/g;
/** An Authorization header inside a sentence. */
const bearer = /\b(bearer)\s+[\w.~+/=-]{8,}/gi;

/**
 * Makes the process's log; JSON lines, or for a person's eyes where the library for that is
 * installed, which the image leaves out.
 */
export function createLog(options: LogOptions): Log {
  const prettify = options.format === 'pretty' ? loadPrettifier() : undefined;
  const log = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => redact(fields) as Record<string, unknown>,
      },
      serializers: { err: serializeError },
      hooks: { logMethod: redactMessage },
    },
    openDestination(options, prettify?.prettyFactory),
  );
  const makeChild = log.child;
  // Pino formats what a line says, but not what a child always says; children inherit this.
  log.child = function child(this: Log, bindings, childOptions) {
    return makeChild.call(this, redact(bindings) as object, childOptions);
  } as Log['child'];
  if (options.format === 'pretty' && prettify === undefined) {
    log.warn(
      'expected pino-pretty for --log-format=pretty; it is not installed, so the log is JSON',
    );
  }
  return log;
}

/** A copy of `value` that is safe to show: names of `redactedNames` and credentials in URLs hidden. */
export function redact(value: unknown): unknown {
  return redactAt(value, 0);
}

function redactAt(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value !== 'object' || value === null) return value;
  // Errors are not plain: the serializer turns them into fields and comes back here.
  if (value instanceof Error) return depth === 0 ? value : redactAt(serializeError(value), depth);
  if (depth >= depthMax) return '[cut]';
  if (Array.isArray(value)) return value.map((item) => redactAt(item, depth + 1));
  if (value instanceof Map) return redactAt(Object.fromEntries(value), depth);
  if (value instanceof Set) return redactAt([...value], depth);
  const entries = Object.entries(value).map(([name, field]) => [
    name,
    isSecret(name) ? redacted : redactAt(field, depth + 1),
  ]);
  return Object.fromEntries(entries);
}

function isSecret(name: string): boolean {
  return secretName.test(name);
}

function redactText(text: string): string {
  // Cut last: half a URL has no `@` any more to be told by.
  return cut(text.replace(userinfo, `$1${redacted}@`).replace(bearer, `$1 ${redacted}`));
}

function cut(text: string): string {
  if (text.length <= textCharactersMax) return text;
  const kept = text.slice(0, textCharactersMax).toWellFormed();
  return `${kept}… (${text.length} characters)`;
}

function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return redactAt(error, 1);
  return redactAt({ ...stdSerializers.err(error) }, 1);
}

/** Messages are constant by our rules; this is for those of libraries, and for a bare error's. */
function redactMessage(this: Logger, args: unknown[], method: (...all: never[]) => void): void {
  const [first] = args;
  const complete = args.length === 1 && first instanceof Error ? [first, first.message] : args;
  const safe = complete.map((arg) => (typeof arg === 'string' ? redactText(arg) : arg));
  method.apply(this, safe as never[]);
}

/** What writes lines for a person (docs/adr/0004). */
interface Prettifier {
  readonly prettyFactory: typeof prettyFactory;
}

function loadPrettifier(): Prettifier | undefined {
  try {
    return createRequire(import.meta.url)('pino-pretty') as Prettifier;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    return undefined;
  }
}

function openDestination(
  { destination }: LogOptions,
  makePretty: Prettifier['prettyFactory'] | undefined,
): DestinationStream {
  const stream = destination ?? pino.destination(2);
  if (makePretty === undefined) return stream;
  const colorize = destination === undefined && process.stderr.isTTY === true;
  const prettify = makePretty({ colorize, translateTime: 'SYS:HH:MM:ss.l' });
  return { write: (line) => stream.write(prettify(decisionInWords(line) ?? line) ?? '') };
}

/** A line about a decision, as far as it is put into words. */
interface DecisionLine {
  readonly level: string;
  readonly time: string;
  readonly review?: { readonly namespace: string; readonly pod: string };
  readonly decision?: Pick<RouteDecision, 'key' | 'image' | 'winner' | 'reason' | 'ms'>;
}

/** For a person's eyes a decision is one line; undefined where the line is about something else. */
function decisionInWords(line: string): string | undefined {
  if (!line.includes('"decision":{')) return undefined;
  const { level, time, review, decision } = JSON.parse(line) as DecisionLine;
  if (decision === undefined || review === undefined) return undefined;
  const { key, image, winner, reason, ms } = decision;
  const verdict = winner === image ? `${image} stays` : `${image} → ${winner}`;
  const msg = `${verdict}, ${reason}, ${ms} ms (Pod ${review.namespace}/${review.pod}, ${key})`;
  return JSON.stringify({ level, time, msg });
}
