import { readFileSync, statSync } from 'node:fs';
import { LineCounter, parseAllDocuments } from 'yaml';
import { fail, type Result, succeed } from '#core/result.ts';
import { type ConfigurationProblem, checkValue, makeProblem } from './check.ts';
import {
  findContradictions,
  type OperatorConfiguration,
  resolveConfiguration,
} from './operator-configuration.ts';
import { configurationSchema } from './schema.ts';
import type { SchemaNode } from './schema-node.ts';

/** A configuration that can't be used: the file, and everything that is wrong with it. */
export interface ConfigurationFailure {
  readonly file: string;
  readonly problems: readonly ConfigurationProblem[];
}

/** A configuration, and whether a file said so. */
export interface LoadedConfiguration {
  readonly configuration: OperatorConfiguration;
  readonly file: string;
  /** False where there was no such file, so that all of it is defaults. */
  readonly found: boolean;
}

/** Where the operator looks unless `--config` says otherwise (behaviour §7). */
const defaultConfigurationPath = '/etc/kube-image-keeper/config.yaml';

/** A ConfigMap holds 1 MiB at most. */
const fileBytesMax = 1_048_576;

/**
 * Loads the operator configuration. Where nobody named a file (`--config`) and the usual one is
 * missing, the defaults hold; one that is wrong in anything means no start, with every problem said
 * at once.
 */
export function loadConfiguration(
  path: string | undefined,
): Result<LoadedConfiguration, ConfigurationFailure> {
  const file = path ?? defaultConfigurationPath;
  const text = readText(file, fileBytesMax);
  if (!text.ok) {
    const isNeeded = path !== undefined || !text.error.missing;
    if (isNeeded) return refuse(file, [text.error.problem]);
    return succeed({ configuration: resolveConfiguration({}), file, found: false });
  }
  const parsed = parseConfiguration(text.value);
  if (!parsed.ok) return refuse(file, parsed.error);
  const unreadable = findUnreadableFiles(parsed.value);
  if (unreadable.length > 0) return refuse(file, unreadable);
  return succeed({ configuration: parsed.value, file, found: true });
}

/** Reads the configuration out of YAML text, or says everything that is wrong with it. */
export function parseConfiguration(
  text: string,
): Result<OperatorConfiguration, readonly ConfigurationProblem[]> {
  const document = readDocument(text);
  if (!document.ok) return document;
  // An empty file, or one of comments alone, is a configuration with nothing to say.
  const written = document.value ?? {};
  const problems = checkValue(configurationSchema as SchemaNode, written);
  if (problems.length > 0) return fail(problems);
  const contradictions = findContradictions(written);
  if (contradictions.length > 0) return fail(contradictions);
  return succeed(resolveConfiguration(written));
}

/** The failure as lines for a person. */
export function formatConfigurationFailure({ file, problems }: ConfigurationFailure): string {
  const lines = problems.map(({ path, expected, found }) => {
    const place = path === '' ? 'the file' : path;
    return `  ${place}: expected ${expected}, found ${found}`;
  });
  return [`Configuration ${file} can't be used:`, ...lines].join('\n');
}

function refuse(
  file: string,
  problems: readonly ConfigurationProblem[],
): Result<never, ConfigurationFailure> {
  return fail({ file, problems });
}

function readDocument(text: string): Result<unknown, readonly ConfigurationProblem[]> {
  const lineCounter = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter, prettyErrors: false });
  if (!Array.isArray(documents)) return succeed(undefined);
  const [document, ...others] = documents;
  if (others.length > 0) return fail([makeProblem([], 'one YAML document', documents.length)]);
  const errors = documents.flatMap(({ errors: list }) => list);
  if (errors.length > 0) {
    return fail(
      errors.map(({ message, pos: [offset] }) => {
        const { line, col } = lineCounter.linePos(offset);
        return { path: '', expected: 'YAML', found: `at line ${line}, column ${col}: ${message}` };
      }),
    );
  }
  try {
    return succeed(document?.toJS() ?? undefined);
  } catch (error) {
    // Aliases that grow without end, or lead nowhere.
    const found = error instanceof Error ? error.message : String(error);
    return fail([{ path: '', expected: 'YAML', found }]);
  }
}

interface Unreadable {
  readonly missing: boolean;
  readonly problem: ConfigurationProblem;
}

function readText(file: string, bytesMax: number): Result<string, Unreadable> {
  try {
    const { size } = statSync(file);
    if (size > bytesMax) {
      const problem = makeProblem([], `at most ${bytesMax} bytes`, size);
      return fail({ missing: false, problem });
    }
    return succeed(readFileSync(file, 'utf8'));
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    const found = error instanceof Error ? error.message : String(error);
    const missing = code === 'ENOENT' || code === 'ENOTDIR';
    return fail({ missing, problem: { path: '', expected: 'a readable file', found } });
  }
}

/** Certificates that are not there would be found out at the first Pod; better now. */
function findUnreadableFiles({
  registries,
  rootCertificateAuthorities,
}: OperatorConfiguration): readonly ConfigurationProblem[] {
  const named = [
    ...Object.entries(registries).map(([host, { caFile }]) => ({
      path: ['registries', host, 'caFile'],
      caFile,
    })),
    ...rootCertificateAuthorities.map((caFile, position) => ({
      path: ['tls', 'rootCertificateAuthorities', position],
      caFile,
    })),
  ];
  return named.flatMap(({ path, caFile }) => {
    if (caFile === undefined || holdsCertificates(caFile)) return [];
    return [makeProblem(path, 'a readable file with PEM certificates', caFile)];
  });
}

function holdsCertificates(file: string): boolean {
  const text = readText(file, fileBytesMax);
  return text.ok && text.value.includes('-----BEGIN CERTIFICATE-----');
}
