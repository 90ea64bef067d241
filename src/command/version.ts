import { Command } from 'commander';
import { version } from '#core/version.ts';
import { metricsUrlOption, readMetrics } from './metrics-endpoint.ts';
import { type Output, outputOption, write } from './output.ts';

/** What `kuik version` was asked. */
interface VersionFlags {
  readonly client?: true;
  readonly metricsUrl: string;
  readonly output: Output;
}

/** `kuik version`: of this program, and of the replica that answers. */
export function versionCommand(): Command {
  return new Command('version')
    .description('say which version this is, and which one runs')
    .option('--client', 'only that of this program; nobody is asked')
    .addOption(metricsUrlOption())
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  kubectl -n kuik-system exec deploy/kuik -- kuik version\n  kuik version --client -o json',
    )
    .allowExcessArguments(false)
    .action(showVersion);
}

async function showVersion({ client, metricsUrl, output }: VersionFlags): Promise<void> {
  const operator = client === true ? undefined : await askVersion(metricsUrl);
  const told = { client: version, ...(operator !== undefined && { operator }) };
  const other = operator ?? `unknown: nobody answers at ${metricsUrl} (--metrics-url)`;
  const lines = [`kuik ${version}`, ...(client === true ? [] : [`operator ${other}`])];
  await write(output, told, () => `${lines.join('\n')}\n`);
}

/** As its `build_info` says; undefined where nobody says so. */
async function askVersion(base: string): Promise<string | undefined> {
  const metrics = await readMetrics(base);
  if (!metrics.ok) return undefined;
  const build = /^kube_image_keeper_manager_build_info\{[^}]*\bversion="([^"]+)"/m;
  return build.exec(metrics.value)?.[1];
}
