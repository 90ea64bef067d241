/**
 * What `npm test` and `npm run demo` need and may be missing. Plain JavaScript that any Node from
 * 20 on runs with nothing installed: first the packages (Node 24 is one of them), then, with that
 * Node, the binaries of the control plane. `--packages` stops after the first, `--demo` leaves out
 * the binaries that only tests start.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');
const modules = join(root, 'node_modules');
const installedNode = join(modules, '.bin', 'node');

if (Number(process.versions.node.split('.')[0]) < 20) {
  end(`Expected Node 20 or newer, this is ${process.version}.`);
}
// Ctrl-C reaches whatever runs below as well: that ends in order, and then this does.
process.on('SIGINT', () => {});
if (!packagesAreCurrent()) installPackages();
if (!process.argv.includes('--packages')) {
  const only = process.argv.includes('--demo') ? ['--demo'] : [];
  run(installedNode, [join(root, 'scripts', 'install-binaries.ts'), ...only], process.env);
}

/**
 * Whether what is installed is what the lock file says; npm's own record of it is written last, so
 * an installation that was interrupted has none. Time stamps would say nothing: a checkout sets
 * them as it likes.
 */
function packagesAreCurrent() {
  const record = join(modules, '.package-lock.json');
  if (!existsSync(record) || !existsSync(installedNode)) return false;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages;
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    // The project itself is not recorded; what is optional may be for another platform.
    if (path === '') return true;
    if (installed[path] === undefined) return optional === true;
    return installed[path].version === version;
  });
}

function installPackages() {
  console.error('Installing packages (npm ci) …');
  const startedMs = performance.now();
  // The Node in node_modules is about to be replaced, so it cannot be the one that does it.
  const path = (process.env.PATH ?? '').split(delimiter);
  const outside = path.filter((directory) => !directory.includes('node_modules'));
  const env = { ...process.env, PATH: outside.join(delimiter) };
  const npm = process.env.npm_execpath;
  const candidates = [process.execPath, process.env.npm_node_execpath, 'node'];
  const node = candidates.find((one) => one !== undefined && !one.includes('node_modules'));
  const options = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  if (npm?.endsWith('.js')) run(node, [npm, ...options], env);
  else run('npm', options, env);
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  console.error(`Installed packages in ${seconds} s.`);
}

function run(command, args, env) {
  const { status, signal, error } = spawnSync(command, args, {
    cwd: root,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status === 0) return;
  if (status === 130 || signal !== null) {
    console.error('Stopped.');
    process.exit(130);
  }
  end(`${command} ${args.join(' ')} failed: ${error?.message ?? `exit code ${status}`}.`);
}

function end(message) {
  console.error(message);
  process.exit(1);
}
