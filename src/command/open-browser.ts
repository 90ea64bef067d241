import { spawn } from 'node:child_process';

/** What opens an address, where `BROWSER` names nothing else. */
const openers: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};

/** Opens an address in the browser of whoever runs this; where there is none, the address was printed. */
export function openBrowser(address: string, environment: NodeJS.ProcessEnv): void {
  const own = environment['BROWSER'];
  const [command, ...words] = own ? [own] : (openers[process.platform] ?? ['xdg-open']);
  const child = spawn(command, [...words, address], { stdio: 'ignore', detached: true });
  child.once('error', () => {
    process.stderr.write('No browser could be opened: open the address by hand.\n');
  });
  child.unref();
}
