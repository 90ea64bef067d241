import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { type Dispatcher, EnvHttpProxyAgent, fetch, type Response } from 'undici';
import { fail, type Result, succeed } from '#core/result.ts';
import type { Binary } from './binary-source.ts';
import type { Progress } from './progress.ts';

/** Where the projects publish their binaries; another base is a test's. */
export interface ReleaseHosts {
  readonly kubernetes: string;
  readonly github: string;
  readonly helm: string;
}

/** What a download needs besides the program's name. */
export interface DownloadOptions {
  readonly hosts: ReleaseHosts;
  /** For what is half done; on the same file system as `target`. */
  readonly workspace: string;
  readonly target: string;
  /** What is shown while it lasts. */
  readonly title: string;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
  /** Hosts that did not answer, with the reason: asked once a run. */
  readonly unreachable: Map<string, string>;
}

/** The projects' own hosts. */
export const releaseHosts: ReleaseHosts = {
  kubernetes: 'https://dl.k8s.io',
  github: 'https://github.com',
  helm: 'https://get.helm.sh',
};

/** A machine without a network must move on to Go in seconds. */
const connectTimeoutMs = 3000;
const answerTimeoutMs = 8000;
/** A download that stands still this long is given up. */
const idleTimeoutMs = 20_000;
/** The largest today is kube-apiserver with 100 MB. */
const downloadBytesMax = 512 * 1024 * 1024;
/** Checksum files are lists of a few dozen lines. */
const checksumBytesMax = 1024 * 1024;

/** Downloads one released program, verifies its published SHA-256 and moves it into place. */
export async function downloadRelease(
  wanted: Binary,
  options: DownloadOptions,
): Promise<Result<void, string>> {
  const source = releaseOf(wanted, options.hosts);
  if (source === undefined) {
    return fail(`no release for ${process.platform} on ${process.arch}`);
  }
  const host = new URL(source.url).host;
  const before = options.unreachable.get(host);
  if (before !== undefined) return fail(before);
  const agent = new EnvHttpProxyAgent({
    connect: { timeout: connectTimeoutMs },
    headersTimeout: answerTimeoutMs,
    bodyTimeout: idleTimeoutMs,
  });
  try {
    return await fetchVerified(source, { ...options, agent });
  } catch (error) {
    const reason = `${host} could not be reached (${rootCause(error)})`;
    options.unreachable.set(host, reason);
    return fail(reason);
  } finally {
    await agent.destroy();
  }
}

interface Release {
  readonly url: string;
  readonly checksumUrl: string;
  /** Path of the program inside the archive; none when the file is the program itself. */
  readonly member?: string;
}

function releaseOf(wanted: Binary, hosts: ReleaseHosts): Release | undefined {
  const architecture = { x64: 'amd64', arm64: 'arm64' }[process.arch as string];
  // Kubernetes publishes its server programs for Linux only; elsewhere Go builds all of them.
  if (process.platform !== 'linux' || architecture === undefined) return undefined;
  const { name, version } = wanted;
  if (name === 'etcd') {
    const stem = `etcd-${version}-linux-${architecture}`;
    const base = `${hosts.github}/etcd-io/etcd/releases/download/${version}`;
    const checksumUrl = `${base}/SHA256SUMS`;
    return { url: `${base}/${stem}.tar.gz`, checksumUrl, member: `${stem}/etcd` };
  }
  if (name === 'registry') {
    const file = `registry_${version.slice(1)}_linux_${architecture}.tar.gz`;
    const url = `${hosts.github}/distribution/distribution/releases/download/${version}/${file}`;
    return { url, checksumUrl: `${url}.sha256`, member: 'registry' };
  }
  if (name === 'crane') {
    const file = `go-containerregistry_Linux_${architecture === 'amd64' ? 'x86_64' : architecture}.tar.gz`;
    const base = `${hosts.github}/google/go-containerregistry/releases/download/${version}`;
    return { url: `${base}/${file}`, checksumUrl: `${base}/checksums.txt`, member: 'crane' };
  }
  if (name === 'helm') {
    const url = `${hosts.helm}/helm-${version}-linux-${architecture}.tar.gz`;
    return { url, checksumUrl: `${url}.sha256sum`, member: `linux-${architecture}/helm` };
  }
  // Our own, that nobody publishes.
  if (name === 'bench-registry' || name === 'promql') return undefined;
  const url = `${hosts.kubernetes}/${version}/bin/linux/${architecture}/${name}`;
  return { url, checksumUrl: `${url}.sha256` };
}

async function fetchVerified(
  source: Release,
  options: DownloadOptions & { readonly agent: Dispatcher },
): Promise<Result<void, string>> {
  const listed = await get(source.checksumUrl, options);
  if (!listed.ok) return fail(`${source.checksumUrl} answered ${listed.status}`);
  const text = (await listed.text()).slice(0, checksumBytesMax);
  const expected = checksumIn(text, basename(source.url));
  if (expected === undefined) return fail(`${source.checksumUrl} holds no SHA-256 of the file`);
  const answer = await get(source.url, options);
  if (!answer.ok) return fail(`${source.url} answered ${answer.status}`);
  const file = join(options.workspace, basename(source.url));
  const actual = await save(answer, file, options);
  if (actual !== expected) {
    return fail(`${source.url} has SHA-256 ${actual}, expected the published ${expected}`);
  }
  await place(file, source.member, options);
  return succeed(undefined);
}

async function get(
  url: string,
  { agent, signal }: DownloadOptions & { readonly agent: Dispatcher },
): Promise<Response> {
  return await fetch(url, { dispatcher: agent, redirect: 'follow', signal: signal ?? null });
}

/** The one hash in `text`, or the one on the line that names `file`. */
function checksumIn(text: string, file: string): string | undefined {
  const lines = text.split('\n').map((line) => line.trim().split(/\s+\*?/));
  const named = lines.find(([, name]) => name === file)?.[0];
  const [first] = lines[0] ?? [];
  return [named, first].find((hash) => hash !== undefined && /^[0-9a-f]{64}$/.test(hash));
}

async function save(answer: Response, file: string, options: DownloadOptions): Promise<string> {
  const hash = createHash('sha256');
  let bytes = 0;
  const count = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      bytes += chunk.length;
      hash.update(chunk);
      next(
        bytes > downloadBytesMax ? new Error(`more than ${downloadBytesMax} bytes`) : null,
        chunk,
      );
    },
  });
  const total = megabytes(Number(answer.headers.get('content-length') ?? 0));
  const done = options.progress.start(
    options.title,
    () => `${megabytes(bytes)} of ${total || '?'} MB`,
  );
  try {
    const body = answer.body ?? new ReadableStream<Uint8Array>();
    await pipeline(Readable.fromWeb(body as never), count, createWriteStream(file));
  } catch (error) {
    done('stopped');
    throw error;
  }
  done('done');
  return hash.digest('hex');
}

async function place(
  file: string,
  member: string | undefined,
  options: DownloadOptions,
): Promise<void> {
  let program = file;
  if (member !== undefined) {
    await promisify(execFile)('tar', ['-xzf', file, '-C', options.workspace, member]);
    program = join(options.workspace, member);
  }
  await chmod(program, 0o755);
  await mkdir(dirname(options.target), { recursive: true });
  await rename(program, options.target);
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1_000_000);
}

function rootCause(error: unknown): string {
  let cause = error;
  while (cause instanceof Error && cause.cause !== undefined) cause = cause.cause;
  return cause instanceof Error ? cause.message : String(cause);
}
