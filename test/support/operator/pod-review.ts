/** A review of a new Pod as an API server sends it; `request` replaces what it says of the Pod. */
export function podReview(pod: object, request: object = {}): object {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'review-1',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      operation: 'CREATE',
      namespace: 'apps',
      dryRun: false,
      object: pod,
      ...request,
    },
  };
}
