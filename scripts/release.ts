import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatReference, parseReference } from '#core/image/reference.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import { pushLayout } from './image/copy-layout.ts';
import { auditPackages } from './release/audit.ts';
import { chartTag } from './release/chart-artifact.ts';
import { makeRelease, releaseParts } from './release/make-release.ts';
import { type SourceRevision, sourceRevision } from './release/provenance.ts';
import { type ReleaseVersions, releaseVersions } from './release/release-versions.ts';

const usage = `npm run release -- --dry-run | --publish REGISTRY/PATH [options]

  --dry-run             make all that a release is made of, publish nothing; what would be in the
                        way of a release is said and does not stop it
  --publish WHERE       push the image to WHERE/kuik and the chart to WHERE/charts/kuik
  --output DIR          where it is written (default: release)
  --base BASE           what the image stands on, as for npm run image (default: debian)
  --builder URI         who answers for the build, in the provenance statement
  --plain-http          speak to the registry over plain HTTP
`;

const root = join(import.meta.dirname, '..');
process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      'dry-run': { type: 'boolean', default: false },
      publish: { type: 'string' },
      output: { type: 'string', default: 'release' },
      base: { type: 'string', default: 'debian' },
      builder: { type: 'string', default: 'https://kuik.enix.io/builders/by-hand' },
      'plain-http': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { publish: where, output: directory, base, builder } = values;
  const isDry = values['dry-run'];
  if (values.help || isDry === (where !== undefined)) {
    console.log(usage);
    return values.help ? 0 : 2;
  }
  const isPlainHttp = values['plain-http'];
  return await release({ isDry, directory, base, builder, where, isPlainHttp });
}

interface Wanted {
  readonly isDry: boolean;
  readonly directory: string;
  readonly base: string;
  readonly builder: string;
  readonly where: string | undefined;
  readonly isPlainHttp: boolean;
}

async function release(wanted: Wanted): Promise<number> {
  const versions = releaseVersions(root);
  const revision = sourceRevision(root);
  console.log(`kuik ${versions.version}`);
  const problems = problemsOf(versions, revision);
  for (const problem of problems) console.log(`in the way of a release: ${problem}`);
  if (problems.length > 0 && !wanted.isDry) return 1;
  const onProgress = (text: string) => console.log(`making ${text}`);
  const made = await makeRelease({ root, ...wanted, versions, revision, onProgress });
  if (!made.ok) return complain(made.error);
  for (const { name, digest } of made.value) console.log(`${digest}  ${name}`);
  if (wanted.where === undefined) {
    console.log(`${wanted.directory}: nothing was published.`);
    return 0;
  }
  const published = await publish(wanted.where, { ...wanted, version: versions.version });
  return published.ok ? 0 : complain(published.error);
}

function problemsOf(
  versions: ReleaseVersions,
  revision: SourceRevision | undefined,
): readonly string[] {
  const problems = [...versions.problems];
  if (revision === undefined) problems.push('these are no sources of a git repository');
  if (revision?.isModified === true) problems.push('files differ from the commit');
  const audit = auditPackages(root);
  if (audit.kind === 'vulnerable') {
    problems.push(`npm audit: ${audit.packages.join(', ')} have known vulnerabilities`);
  }
  const said =
    audit.kind === 'skipped' ? `skipped, no registry answers it: ${audit.why}` : audit.kind;
  console.log(`npm audit: ${said}`);
  return problems;
}

async function publish(
  where: string,
  options: { readonly directory: string; readonly version: string; readonly isPlainHttp: boolean },
): Promise<Result<void, string>> {
  const { directory, version, isPlainHttp } = options;
  const targets = {
    [releaseParts.image]: `${where}/kuik:${version}`,
    [releaseParts.chart]: `${where}/charts/kuik:${chartTag(version)}`,
  };
  for (const [part, text] of Object.entries(targets)) {
    const reference = parseReference(text);
    if (!reference.ok) return fail(`--publish: ${reference.error.message}`);
    const remote = { reference: reference.value, isPlainHttp };
    const pushed = await pushLayout(join(directory, part), remote);
    if (pushed.kind === 'failed') return fail(pushed.message);
    console.log(`pushed ${formatReference({ ...reference.value, digest: pushed.digest })}`);
  }
  return succeed(undefined);
}

function complain(text: string): number {
  console.error(text);
  return 1;
}
