import { readFileSync } from 'node:fs';
import { Option } from 'commander';
import { fail, type Result, succeed } from '#core/result.ts';
import { type OperatorEndpoint, parseEndpoint } from './operator-answer.ts';

/** The flags of a command that asks the debug endpoint. */
export interface DebugFlags {
  readonly debugUrl: string;
  readonly token?: string;
  readonly tokenFile?: string;
}

const debugPort = 8082;

/** Where the debug endpoint is, and who asks. */
export function debugOptions(): readonly Option[] {
  return [
    new Option('--debug-url <url>', 'debug endpoint of the operator')
      .default('http://127.0.0.1:8082')
      .env('KUIK_DEBUG_URL')
      .argParser(parseEndpoint),
    new Option('--token <token>', 'for a debug endpoint that others reach, too').env('KUIK_TOKEN'),
    new Option('--token-file <file>', 'the same, from a file').env('KUIK_TOKEN_FILE'),
  ];
}

/** What is asked, with the token where one was given; a token file that cannot be read is said. */
export function debugEndpoint(flags: DebugFlags): Result<OperatorEndpoint, string> {
  const token = readToken(flags);
  if (!token.ok) return token;
  const endpoint = { url: flags.debugUrl, flag: '--debug-url', port: debugPort };
  return succeed({ ...endpoint, ...(token.value !== undefined && { token: token.value }) });
}

function readToken({ token, tokenFile }: DebugFlags): Result<string | undefined, string> {
  if (token !== undefined || tokenFile === undefined) return checkToken(token, '--token');
  try {
    return checkToken(readFileSync(tokenFile, 'utf8').trim(), '--token-file');
  } catch (error) {
    return fail(`--token-file: expected a readable file: ${(error as Error).message}`);
  }
}

/** A token that is none would be a fault of HTTP, and would be shown by it. */
function checkToken(token: string | undefined, flag: string): Result<string | undefined, string> {
  if (token === undefined || /^[\x21-\x7e]+$/.test(token)) return succeed(token);
  return fail(`${flag}: expected a bearer token, which is one word`);
}
