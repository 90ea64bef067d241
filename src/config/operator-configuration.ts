import type { Method } from './monitoring-schema.ts';
import type { CompleteConfiguration, Platform } from './schema.ts';

/** The operator configuration as the rooms use it: complete, durations in ms, hosts normalised. */
export interface OperatorConfiguration {
  /** Selectors over labels; Pods that match one are left alone everywhere. */
  readonly skipLabels: readonly string[];
  readonly skipAnnotations: readonly string[];
  readonly routing: RoutingConfiguration;
  readonly mirroring: MirroringConfiguration;
  readonly monitoring: MonitoringConfiguration;
  readonly metrics: CompleteConfiguration['metrics'];
  /** By host; structurally the settings of the OCI client and of the registry actors. */
  readonly registries: Readonly<Record<string, RegistryConfiguration>>;
  /** Paths of PEM files to trust for every registry, beside the usual roots. */
  readonly rootCertificateAuthorities: readonly string[];
}

/** The webhook's decisions. */
export interface RoutingConfiguration {
  readonly activeCheck: {
    /** One candidate, with all it needs; where the file says 0, as long as the whole review has. */
    readonly timeoutMs: number;
    readonly resolveDigest: boolean;
    /** `timeoutMs` 0 means none. */
    readonly staleMirrorCleanup: { readonly maxConcurrent: number; readonly timeoutMs: number };
  };
  readonly rewriteOnNeverImagePullPolicy: boolean;
  readonly honorPrioritiesOnAlwaysImagePullPolicy: boolean;
  /** A whole review, in ms. */
  readonly deadlineMs: number;
}

/** Copies to mirrors. */
export interface MirroringConfiguration {
  /** `all`, `auto` (those of the nodes) or a list of at least one. */
  readonly platforms: 'all' | 'auto' | readonly Platform[];
  /** Copies at once to one mirror target. */
  readonly concurrency: number;
  /** Below this share of a source's quota, 0 to 1, copying from it waits. */
  readonly quotaReserve: number;
}

/** Checks of images in use; `items` are complete, each field its own or the default's. */
export interface MonitoringConfiguration {
  readonly registries: {
    readonly default: PacingConfiguration;
    readonly items: Readonly<Record<string, PacingConfiguration>>;
  };
}

/** The pace of one registry's checks. */
export interface PacingConfiguration {
  readonly method: Method;
  readonly intervalMs: number;
  readonly maxPerInterval: number;
  /** 0 means none. */
  readonly timeoutMs: number;
  readonly resolveDigest: boolean;
  readonly fallbackCredentialSecret?: { readonly name: string; readonly namespace: string };
}

/** How one registry is spoken to. */
export interface RegistryConfiguration {
  readonly insecure: boolean;
  readonly plainHTTP: boolean;
  /** Path of a PEM file. */
  readonly caFile?: string;
  readonly concurrency: number;
  /** Routed to without a probe. */
  readonly trust: boolean;
}
