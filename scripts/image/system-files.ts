import { userId } from './image-runtime.ts';
import type { LayerEntry } from './layer.ts';

/** What programs look for in any system, and no package brings: users, names, a place for files. */
export function systemFiles(): readonly LayerEntry[] {
  const files = {
    'etc/passwd': `root:x:0:0:root:/:/sbin/nologin\n${user('/')}:/sbin/nologin\n`,
    'etc/group': `root:x:0:\nnonroot:x:${userId}:\n`,
    'etc/nsswitch.conf': 'hosts: files dns\n',
  };
  return [
    ...Object.entries(files).map(([path, text]) => textFile(path, text)),
    // Node complains where it is missing; authorities may be mounted there.
    { kind: 'directory', path: 'etc/ssl/certs' },
    // Whatever writes there does so only where a volume is mounted: the root is read-only.
    { kind: 'directory', path: 'tmp', mode: 0o1777 },
  ];
}

/** A file of text. */
export function textFile(path: string, text: string): LayerEntry {
  return { kind: 'file', path, content: Buffer.from(text) };
}

function user(home: string): string {
  return `nonroot:x:${userId}:${userId}:nonroot:${home}`;
}
