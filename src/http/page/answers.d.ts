/** What the operator answers, by the types that it answers with: the two cannot drift apart. */
export type { Attention } from '#core/insight/attention.ts';
export type {
  DecisionPage,
  Overview,
  PodPage,
  PodStory,
  Recent,
  ShownReview,
  Timeline,
} from '#core/insight/insight.ts';
export type { MapEdge, MapNode, RegistryMap } from '#core/insight/registry-map.ts';
export type { Circuit, RegistryView } from '#core/insight/registry-view.ts';
export type { CandidateReport, RouteDecision, RouteExplanation } from '#core/routing/decision.ts';
export type { WhatIfReport, WorkloadChange } from '#core/routing/what-if.ts';
