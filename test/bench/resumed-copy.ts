import { startFaultRegistry } from '#test/support/registries/fault-registry.ts';
import { barred, type Row } from './copy-rows.ts';
import { type CopyStage, pushImages } from './copy-stage.ts';
import { startOurCopies } from './our-copies.ts';

/** A layer that breaks off at nine tenths goes on from there: what is read twice of it. */
export async function measureResumed(stage: CopyStage, layerBytes: number): Promise<Row> {
  const [image = ''] = await pushImages(stage, 'reset', { images: 1, layers: 1, layerBytes });
  const front = await startFaultRegistry({
    upstream: stage.source,
    tls: { ...(await stage.authority.issue()), authorityPem: stage.authority.pem },
  });
  const ours = await startOurCopies(stage.authorityFile, [front.host, stage.target.host]);
  try {
    let left = 1;
    const afterBytes = Math.floor(layerBytes * 0.9);
    front.setRules({
      method: 'GET',
      path: /\/blobs\//,
      fault: () => {
        left -= 1;
        return left >= 0 ? { kind: 'reset-body', afterBytes } : undefined;
      },
    });
    const pair = {
      source: `${front.host}/${image}`,
      target: `${stage.target.host}/reset/${image}`,
    };
    await ours.copy({ pairs: [pair], atOnce: 1 });
    const again = Math.max(0, front.traffic.blobBytesServed() - layerBytes);
    const share = (again / layerBytes) * 100;
    const cells = ['a reset at 90 % of a layer, read again', '', `${share.toFixed(2)} %`, ''];
    return barred(cells, { text: '< 1 %', met: share < 1 });
  } finally {
    await ours.stop();
    await front.close();
  }
}
