import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readChartMetadata } from './chart-artifact.ts';

/** What a release is called, and what is in the way of it. */
export interface ReleaseVersions {
  readonly version: string;
  /** The section of the changelog, without its heading; of what is unreleased where it has none. */
  readonly notes: string;
  /** One sentence each; none where everything agrees. */
  readonly problems: readonly string[];
}

/** Compares every place that names the version. */
export function releaseVersions(root: string): ReleaseVersions {
  const read = (name: string) => readFileSync(join(root, name), 'utf8');
  const { version } = JSON.parse(read('package.json')) as { readonly version: string };
  const lock = JSON.parse(read('package-lock.json')) as {
    readonly version: string;
    readonly packages: Readonly<Record<string, { readonly version?: string }>>;
  };
  const chart = readChartMetadata(join(root, 'chart'));
  const named = {
    'package-lock.json': lock.version,
    'package-lock.json, packages': lock.packages['']?.version,
    'chart/Chart.yaml, version': chart.version,
    'chart/Chart.yaml, appVersion': chart.appVersion,
  };
  const others = Object.entries(named).flatMap(([place, found]) =>
    found === version ? [] : [`${place}: expected ${version} as in package.json, got ${found}`],
  );
  const changelog = read('CHANGELOG.md');
  const notes = changelogSection(changelog, version);
  const unreleased = changelogSection(changelog, 'Unreleased') ?? '';
  const untold = [
    ...(notes === undefined ? [`CHANGELOG.md: expected a section "## ${version}", got none`] : []),
    ...(notes !== undefined && unreleased !== ''
      ? ['CHANGELOG.md: expected nothing under "Unreleased", got some of it']
      : []),
  ];
  return { version, notes: notes ?? unreleased, problems: [...others, ...untold] };
}

/** The text below `## 1.2.3` (which may name a date) up to the next heading of its kind. */
export function changelogSection(changelog: string, name: string): string | undefined {
  const sections = changelog.split(/^## /m).slice(1);
  const found = sections.find((section) => section.split(/\s/, 1)[0] === name);
  return found?.split('\n').slice(1).join('\n').trim();
}
