/** An object of one of the five kinds. */
export interface KuikObject<Kind extends string, Spec, Status> {
  readonly apiVersion: 'kuik.enix.io/v1alpha1';
  readonly kind: Kind;
  readonly metadata: ObjectMeta;
  readonly spec?: Spec;
  readonly status?: Status;
  /** What the schema refuses of the spec, where it was stored before the schema did; ours alone. */
  readonly faults?: readonly { readonly field: string; readonly message: string }[];
}

/** Object metadata, as far as kuik reads it; the API server fills what may be absent here. */
export interface ObjectMeta {
  readonly name: string;
  /** Absent on cluster-scoped objects. */
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  /** Grows with each change of the spec, never with one of the status. */
  readonly generation?: number;
  /** RFC 3339. */
  readonly creationTimestamp?: string;
  /** RFC 3339; set once the object is being deleted. */
  readonly deletionTimestamp?: string;
  readonly finalizers?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}
