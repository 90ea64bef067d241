/** Names the process that answers: circuits and quotas are each replica's own. */
export const replicaHeader = 'kuik-replica';
