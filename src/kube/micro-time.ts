/** A Kubernetes MicroTime: six decimals, no more and no less, or the API server refuses it. */
export function microTime(wallMs: number): string {
  return new Date(wallMs).toISOString().replace('Z', '000Z');
}
