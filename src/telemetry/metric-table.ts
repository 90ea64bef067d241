import type { Registry } from 'prom-client';

/** Every name, with its labels and what it says: the one table, so that no two pieces make one up. */
export const metricTable = {
  buildInfo: ['kube_image_keeper_manager_build_info', 'Always 1; labels say what runs.'],
  up: ['kube_image_keeper_manager_up', 'Whether this replica is healthy.'],
  isLeader: ['kube_image_keeper_manager_is_leader', 'Whether this replica leads; 0 or 1.'],
  decisions: [
    'kube_image_keeper_routing_decisions_total',
    'Images decided on, by reason and by the resource whose candidate was taken.',
  ],
  rewrittenPods: [
    'kube_image_keeper_routing_rewritten_pods',
    'Pods that have not finished and run a rewritten image; on the leader alone.',
  ],
  rewrittenSince: [
    'kube_image_keeper_routing_rewritten_pods_oldest_timestamp_seconds',
    'When the oldest of these Pods was created; on the leader alone.',
  ],
  admission: ['kube_image_keeper_webhook_admission_duration_seconds', 'Time a review took.'],
  webhookErrors: ['kube_image_keeper_webhook_errors_total', 'Reviews that failed open, by kind.'],
  probes: ['kube_image_keeper_routing_probes_total', 'Candidates asked, by registry and result.'],
  probeDuration: [
    'kube_image_keeper_routing_probe_duration_seconds',
    'Time from the start of the asking to the answer about a candidate.',
  ],
  certificateExpiry: [
    'kube_image_keeper_certificate_expiry_timestamp_seconds',
    'When the certificate that the webhook serves runs out.',
  ],
  registryHealth: [
    'kube_image_keeper_registry_health',
    'State of the connection to a registry: 1 for the present one.',
  ],
  registryQuotaRemaining: [
    'kube_image_keeper_registry_quota_remaining',
    'What a registry last said is left of its quota, for the credential with the smallest share.',
  ],
  registryQuotaLimit: [
    'kube_image_keeper_registry_quota_limit',
    'The whole of the quota that registry_quota_remaining is a part of.',
  ],
  apiRequests: ['kube_image_keeper_api_requests_total', 'Calls to the API server, by outcome.'],
  reflectorPhase: ['kube_image_keeper_reflector_phase', 'Phase of a watch: 1 for the present one.'],
  actors: ['kube_image_keeper_actors', 'Running actors, by type and active state.'],
  actorCrashes: ['kube_image_keeper_actor_crashes_total', 'Actors that crashed, by type.'],
  // Monitoring's, in `monitoring-metrics.ts`.
  images: ['kube_image_keeper_monitoring_images', 'Monitored images; on the leader alone.'],
  imageAge: [
    'kube_image_keeper_monitoring_image_last_monitor_age_minutes',
    'Minutes since each image was last checked; on the leader alone.',
  ],
  checks: ['kube_image_keeper_monitoring_checks_total', 'Checks of images, by result.'],
  checkDuration: [
    'kube_image_keeper_monitoring_check_duration_seconds',
    'Time a check took, from its turn to the answer.',
  ],
  checkQueue: [
    'kube_image_keeper_monitoring_queue_length',
    'Images of a registry that wait for their turn to be checked.',
  ],
  checkLag: [
    'kube_image_keeper_monitoring_lag_seconds',
    'How long the next check of a registry is overdue.',
  ],
  quotaRemaining: [
    'kube_image_keeper_monitoring_quota_remaining',
    'What a registry said is left of its quota, where it says so.',
  ],
  fullRound: [
    'kube_image_keeper_monitoring_full_round_seconds',
    'Time until each image of a resource was checked once, at the configured pace.',
  ],
  workloadsAtRisk: [
    'kube_image_keeper_monitoring_workload_images_unavailable',
    'Images of a workload that could not be pulled now, by status.',
  ],
  workloads: [
    'kube_image_keeper_monitoring_workloads_at_risk',
    'Workloads that could not start again elsewhere, by status; on the leader alone.',
  ],
  // Mirroring's, in `mirroring-metrics.ts`.
  copies: ['kube_image_keeper_mirroring_copies_total', 'Attempts to copy, by result.'],
  copiedBytes: [
    'kube_image_keeper_mirroring_copied_bytes_total',
    'Bytes sent to a mirror; what it had already is not among them.',
  ],
  copyDuration: [
    'kube_image_keeper_mirroring_copy_duration_seconds',
    'Time an attempt to copy took, from its turn to its end.',
  ],
  copyQueue: [
    'kube_image_keeper_mirroring_queue_length',
    'Copies that wait for their turn; on the leader alone.',
  ],
  copyQueueAge: [
    'kube_image_keeper_mirroring_queue_age_seconds',
    'How long the copy that waits the longest has waited; on the leader alone.',
  ],
  mirroredImages: [
    'kube_image_keeper_mirroring_images',
    'Copies of the images of resources, by mirror and state; on the leader alone.',
  ],
  deletions: ['kube_image_keeper_mirroring_deletions_total', 'Copies to be deleted, by result.'],
  abandonedCopies: [
    'kube_image_keeper_mirroring_abandoned_copies_total',
    'Copies that stayed on a mirror although they were to go with their resource.',
  ],
} as const;

/** A name of the table. */
export type MetricName = keyof typeof metricTable;

/** What prom-client wants of every metric; it refuses a name that is registered twice. */
export function describe<T extends string>(
  registry: Registry,
  metric: MetricName,
  labelNames: T[],
) {
  const [name, help] = metricTable[metric];
  return { name, help, labelNames, registers: [registry] };
}
