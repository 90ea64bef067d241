import { request } from 'undici';
import type { AttackRow } from '#test/attack/attack-row.ts';

const clientMsMax = 5_000;

/** What a web page beside a forwarded port, or many who look at once, can do. */
export const browserRows: readonly AttackRow[] = [
  {
    ...{ id: 'A12', attack: 'a page drives /debug, reads /status and /metrics', who: 'a web page' },
    run: async ({ operator }) => {
      const { debugUrl, metricsUrl } = operator;
      const tries: readonly (readonly [url: string, headers: Record<string, string>])[] = [
        [`${debugUrl}/debug/route?image=a`, { 'sec-fetch-site': 'cross-site' }],
        [`${debugUrl}/debug/route?image=a`, { origin: 'https://evil.example.com' }],
        [`${debugUrl}/debug/actors`, { host: 'evil.example.com' }],
        [`${debugUrl}/debug/actors`, { origin: 'null' }],
        [`${metricsUrl}/metrics`, { host: 'evil.example.com' }],
        [`${metricsUrl}/status/images`, { host: 'evil.example.com' }],
        [`${metricsUrl}/status/workloads`, { 'sec-fetch-site': 'same-site' }],
      ];
      const answers = await Promise.all(
        tries.map(async ([url, headers]) => {
          const { statusCode, body } = await request(url, { headers });
          await body.dump();
          const { pathname } = new URL(url);
          return statusCode === 403
            ? []
            : [`${pathname} with ${JSON.stringify(headers)}: ${statusCode}`];
        }),
      );
      return answers.flat();
    },
  },
  {
    ...{ id: 'A16', attack: '60 clients on /status/workloads', who: 'whoever reaches :8080' },
    run: async ({ operator }, times) => {
      const endMs = performance.now() + clientMsMax;
      const client = async () => {
        while (performance.now() < endMs) {
          await (await fetch(`${operator.metricsUrl}/status/workloads`)).text();
        }
      };
      await Promise.allSettled(Array.from({ length: Math.min(60 * times, 600) }, client));
      return [];
    },
  },
];
