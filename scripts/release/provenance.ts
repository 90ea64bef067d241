import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { architectures } from '#scripts/image/image-runtime.ts';
import { sha256Of } from '#scripts/image/kept-file.ts';
import { readPins } from '#scripts/image/pins.ts';

/** Something that a release consists of. */
export interface ReleasedArtifact {
  readonly name: string;
  /** `sha256:…`. */
  readonly digest: string;
}

/** From what the sources are. */
export interface SourceRevision {
  readonly commit: string;
  /** Of the commit, in seconds since the epoch. */
  readonly seconds: number;
  /** Whether files differ from it. */
  readonly isModified: boolean;
}

/** Asks git which commit this is; `undefined` where these are no sources of a repository. */
export function sourceRevision(root: string): SourceRevision | undefined {
  const git = (...args: readonly string[]) =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const [commit = '', seconds = '0'] = git('log', '-1', '--format=%H %ct').trim().split(' ');
    const isModified = git('status', '--porcelain').trim() !== '';
    return { commit, seconds: Number(seconds), isModified };
  } catch {
    return undefined;
  }
}

/** How it was made. */
export interface ProvenanceOptions {
  readonly root: string;
  readonly version: string;
  readonly base: string;
  readonly revision: SourceRevision | undefined;
  /** A URI: who ran the build, and answers for it. */
  readonly builder: string;
}

/**
 * The statement of where a release comes from: in-toto's form with SLSA's predicate, not signed. It
 * names no time, so that whoever builds the same gets the same statement.
 */
export function provenanceStatement(
  artifacts: readonly ReleasedArtifact[],
  options: ProvenanceOptions,
): object {
  const { version, base, builder } = options;
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: artifacts.map(({ name, digest }) => ({ name, digest: digestSet(digest) })),
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: 'https://kuik.enix.io/build-types/npm-run-release/v1',
        externalParameters: {
          version,
          base,
          platforms: architectures.map((architecture) => `linux/${architecture}`),
        },
        internalParameters: { node: process.versions.node },
        resolvedDependencies: dependencies(options),
      },
      runDetails: { builder: { id: builder } },
    },
  };
}

function dependencies({ root, revision, base }: ProvenanceOptions): readonly object[] {
  const { node } = readPins();
  const commit = revision?.commit;
  const lock = sha256Of(readFileSync(join(root, 'package-lock.json')));
  return [
    ...(commit === undefined ? [] : [{ uri: 'git+file:.', digest: { gitCommit: commit } }]),
    { uri: 'file:package-lock.json', digest: { sha256: lock } },
    ...architectures.map((architecture) => {
      const { name, integrity } = node.packages[architecture];
      const sha512 = Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex');
      return { uri: `pkg:npm/${name}@${node.version}`, digest: { sha512 } };
    }),
    ...(base === 'debian' ? debianDependencies() : [{ uri: base }]),
  ];
}

function debianDependencies(): readonly object[] {
  const { packages } = readPins().debian;
  return architectures.flatMap((architecture) =>
    packages[architecture].map(({ name, version, sha256 }) => {
      const [path, release] = [name, version].map(encodeURIComponent);
      return { uri: `pkg:deb/debian/${path}@${release}?arch=${architecture}`, digest: { sha256 } };
    }),
  );
}

function digestSet(digest: string): Readonly<Record<string, string>> {
  const [algorithm = '', hex = ''] = digest.split(':');
  return { [algorithm]: hex };
}
