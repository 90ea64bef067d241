package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/template"
)

// alertingRule goes through its states as one of Prometheus does.
type alertingRule struct {
	rulefmt.Rule
	active map[uint64]*alert
}

type alert struct {
	labels, annotations map[string]string
	activeAt            time.Time
	// Set while nothing matches any more and `keep_firing_for` is not over.
	keptSince time.Time
	firing    bool
}

func loadRules(files []string) ([]*alertingRule, error) {
	var all []*alertingRule
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		groups, errs := rulefmt.Parse(content, false, model.UTF8Validation)
		if len(errs) > 0 {
			return nil, fmt.Errorf("%s: %w", file, errors.Join(errs...))
		}
		for _, group := range groups.Groups {
			for _, rule := range group.Rules {
				if rule.Alert == "" {
					return nil, fmt.Errorf("%s: expected alerting rules alone, found %s", file, rule.Record)
				}
				all = append(all, &alertingRule{rule, map[uint64]*alert{}})
			}
		}
	}
	return all, nil
}

// evaluate makes alerts of what matches now, lets those go that match no more, and fires those that
// have matched for long enough.
func (r *alertingRule) evaluate(engine *promql.Engine, m memory, now time.Time) error {
	query := func(ctx context.Context, expression string, at time.Time) (promql.Vector, error) {
		return evaluate(ctx, engine, m, expression, at)
	}
	vector, err := query(context.Background(), r.Expr, now)
	if err != nil {
		return fmt.Errorf("%s: %w", r.Alert, err)
	}
	matching := map[uint64]bool{}
	for _, sample := range vector {
		expand := func(text string) string { return expandTemplate(r.Alert, text, sample, now, query) }
		told, key := r.describe(sample, expand)
		if matching[key] {
			return fmt.Errorf("%s: two alerts have the same labels: %v", r.Alert, told.labels)
		}
		matching[key] = true
		if known, ok := r.active[key]; ok {
			known.annotations = told.annotations
		} else {
			told.activeAt = now
			r.active[key] = told
		}
	}
	for key, one := range r.active {
		r.advance(key, one, matching[key], now)
	}
	return nil
}

func (r *alertingRule) advance(key uint64, one *alert, isMatching bool, now time.Time) {
	if isMatching {
		one.keptSince = time.Time{}
		one.firing = one.firing || now.Sub(one.activeAt) >= time.Duration(r.For)
		return
	}
	if one.keptSince.IsZero() {
		one.keptSince = now
	}
	if !one.firing || now.Sub(one.keptSince) >= time.Duration(r.KeepFiringFor) {
		delete(r.active, key)
	}
}

func (r *alertingRule) describe(sample promql.Sample, expand func(string) string) (*alert, uint64) {
	builder := labels.NewBuilder(sample.Metric)
	builder.Del(labels.MetricName)
	for name, value := range r.Labels {
		builder.Set(name, expand(value))
	}
	builder.Set(labels.AlertName, r.Alert)
	annotations := map[string]string{}
	for name, value := range r.Annotations {
		annotations[name] = expand(value)
	}
	all := builder.Labels()
	return &alert{labels: all.Map(), annotations: annotations}, all.Hash()
}

func expandTemplate(name, text string, sample promql.Sample, now time.Time, query template.QueryFunc) string {
	data := template.AlertTemplateData(sample.Metric.Map(), nil, "", sample)
	given := "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"
	expander := template.NewTemplateExpander(context.Background(), given+text, "__alert_"+name,
		data, model.TimeFromUnixNano(now.UnixNano()), query, nil, nil)
	expanded, err := expander.Expand()
	if err != nil {
		return fmt.Sprintf("<error expanding template: %s>", err)
	}
	return expanded
}
