import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** What the process reads from standard input, as JSON. */
export interface BareWebhookPlan {
  readonly certificatePem: string;
  readonly keyPem: string;
}

/**
 * The least a webhook can do: read a review over TLS, parse it, let the Pod in. What the operator
 * takes beyond that is its own. Prints its port and runs until it is ended.
 */
function main(): void {
  const { certificatePem, keyPem } = JSON.parse(readFileSync(0, 'utf8')) as BareWebhookPlan;
  const server = createServer(
    { cert: certificatePem, key: keyPem, keepAliveTimeout: 120_000 },
    (incoming, response) => {
      const parts: Buffer[] = [];
      incoming.on('data', (part: Buffer) => parts.push(part));
      incoming.on('end', () => {
        const review = JSON.parse(Buffer.concat(parts).toString()) as { request: { uid: string } };
        const answer = JSON.stringify({
          apiVersion: 'admission.k8s.io/v1',
          kind: 'AdmissionReview',
          response: { uid: review.request.uid, allowed: true },
        });
        response.writeHead(200, {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(answer),
        });
        response.end(answer);
      });
    },
  );
  server.listen(0, '127.0.0.1', () => {
    process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
  });
}

if (import.meta.main) main();
