import { spawnSync } from 'node:child_process';
import { isObject, parseJson } from '#core/json.ts';

/** What `npm audit` says of the packages in the image. */
export type AuditOutcome =
  | { readonly kind: 'clean' }
  | { readonly kind: 'vulnerable'; readonly packages: readonly string[] }
  /** Nobody answered: nothing is known, which is not the same as clean. */
  | { readonly kind: 'skipped'; readonly why: string };

/** A registry that does not answer within this is one that does not. */
const withinMs = 60_000;

/** Asks the package registry for known vulnerabilities of what is shipped. */
export function auditPackages(root: string): AuditOutcome {
  const args = ['audit', '--omit=dev', '--json', '--package-lock-only', '--fetch-retries=0'];
  const run = spawnSync('npm', args, { cwd: root, encoding: 'utf8', timeout: withinMs });
  return readAudit(run.stdout ?? '', run.error?.message ?? run.stderr ?? '');
}

/** Reads npm's report; whatever is no report means that nothing is known. */
export function readAudit(report: string, complaint: string): AuditOutcome {
  const json = parseJson(report);
  if (!isObject(json)) return { kind: 'skipped', why: firstLine(complaint) || 'no report' };
  if (!isObject(json['vulnerabilities'])) {
    const { message } = json;
    return { kind: 'skipped', why: typeof message === 'string' ? firstLine(message) : 'no report' };
  }
  const packages = Object.keys(json['vulnerabilities']).toSorted();
  return packages.length === 0 ? { kind: 'clean' } : { kind: 'vulnerable', packages };
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0] ?? '';
}
