package main

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb/chunks"
)

// queryRequest is read from standard input as JSON; times are in milliseconds.
type queryRequest struct {
	Series []struct {
		Labels  map[string]string `json:"labels"`
		Samples [][2]float64      `json:"samples"`
	} `json:"series"`
	At          int64    `json:"at"`
	Expressions []string `json:"expressions"`
}

// queryAnswer is one expression: what it asks for, and what it came to.
type queryAnswer struct {
	Expression string     `json:"expression"`
	Error      string     `json:"error,omitempty"`
	Selectors  []selector `json:"selectors"`
	Results    []result   `json:"results"`
}

// selector is one metric of an expression, with every label name that something is asked of.
type selector struct {
	Metric string   `json:"metric"`
	Labels []string `json:"labels"`
	// Matches says whether any series has these label values.
	Matches bool `json:"matches"`
}

type result struct {
	Labels map[string]string `json:"labels"`
	// Value is a text as in Prometheus' own API: JSON has no NaN.
	Value string `json:"value"`
}

func answer(request queryRequest) []queryAnswer {
	var m memory
	for _, given := range request.Series {
		one := series{labels: labels.FromMap(given.Labels)}
		for _, sample := range given.Samples {
			one.samples = append(one.samples, chunks.Sample(point{int64(sample[0]), sample[1]}))
		}
		m = append(m, one)
	}
	engine := newEngine()
	answers := []queryAnswer{}
	for _, expression := range request.Expressions {
		one := queryAnswer{Expression: expression, Selectors: []selector{}, Results: []result{}}
		parsed, err := parser.ParseExpr(expression)
		if err != nil {
			one.Error = err.Error()
			answers = append(answers, one)
			continue
		}
		one.Selectors = selectorsOf(parsed, m)
		vector, err := evaluate(context.Background(), engine, m, expression, time.UnixMilli(request.At))
		if err != nil {
			one.Error = err.Error()
		}
		for _, sample := range vector {
			one.Results = append(one.Results, result{sample.Metric.Map(), strconv.FormatFloat(sample.F, 'g', -1, 64)})
		}
		answers = append(answers, one)
	}
	return answers
}

// selectorsOf finds the metrics of an expression; what it groups or matches by counts for each of the
// metrics below, as far as nothing in between takes the label away.
func selectorsOf(expression parser.Expr, m memory) []selector {
	found := []selector{}
	parser.Inspect(expression, func(node parser.Node, path []parser.Node) error {
		vector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		names := map[string]bool{}
		for _, matcher := range vector.LabelMatchers {
			if matcher.Name != labels.MetricName {
				names[matcher.Name] = true
			}
		}
		for _, above := range path {
			if aggregate, ok := above.(*parser.AggregateExpr); ok && !aggregate.Without {
				for _, name := range aggregate.Grouping {
					names[name] = true
				}
			}
		}
		one := selector{Metric: vector.Name, Labels: []string{}}
		for name := range names {
			one.Labels = append(one.Labels, name)
		}
		slices.Sort(one.Labels)
		for _, present := range m {
			one.Matches = one.Matches || matches(present.labels, vector.LabelMatchers)
		}
		found = append(found, one)
		return nil
	})
	return found
}
