package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"go.yaml.in/yaml/v3"
)

// ruleTestFile is the format of `promtool test rules`.
type ruleTestFile struct {
	RuleFiles          []string       `yaml:"rule_files"`
	EvaluationInterval model.Duration `yaml:"evaluation_interval"`
	Tests              []ruleTest     `yaml:"tests"`
}

type ruleTest struct {
	Name        string         `yaml:"name"`
	Interval    model.Duration `yaml:"interval"`
	InputSeries []struct {
		Series string `yaml:"series"`
		Values string `yaml:"values"`
	} `yaml:"input_series"`
	AlertRuleTests []alertCase `yaml:"alert_rule_test"`
}

type alertCase struct {
	EvalTime  model.Duration  `yaml:"eval_time"`
	Alertname string          `yaml:"alertname"`
	ExpAlerts []expectedAlert `yaml:"exp_alerts"`
}

type expectedAlert struct {
	Labels      map[string]string `yaml:"exp_labels"`
	Annotations map[string]string `yaml:"exp_annotations"`
}

func testRuleFiles(files []string) error {
	var problems []error
	for _, file := range files {
		tests, err := testRuleFile(file)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s:\n%w", file, err))
		}
		fmt.Printf("%s: %d tests\n", file, tests)
	}
	return errors.Join(problems...)
}

func testRuleFile(file string) (int, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	var given ruleTestFile
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	if err := decoder.Decode(&given); err != nil {
		return 0, err
	}
	for index, path := range given.RuleFiles {
		given.RuleFiles[index] = filepath.Join(filepath.Dir(file), path)
	}
	if given.EvaluationInterval == 0 {
		given.EvaluationInterval = model.Duration(time.Minute)
	}
	var problems []error
	for _, test := range given.Tests {
		if err := test.run(given.RuleFiles, time.Duration(given.EvaluationInterval)); err != nil {
			problems = append(problems, fmt.Errorf("  %s:\n%w", test.Name, err))
		}
	}
	return len(given.Tests), errors.Join(problems...)
}

func (t ruleTest) run(ruleFiles []string, interval time.Duration) error {
	m, err := t.load()
	if err != nil {
		return err
	}
	rules, err := loadRules(ruleFiles)
	if err != nil {
		return err
	}
	names := map[string]bool{}
	for _, rule := range rules {
		names[rule.Alert] = true
	}
	var last model.Duration
	for _, test := range t.AlertRuleTests {
		if !names[test.Alertname] {
			return fmt.Errorf("    no rule is named %q", test.Alertname)
		}
		last = max(last, test.EvalTime)
	}
	engine := newEngine()
	var problems []error
	start := time.Unix(0, 0).UTC()
	for passed := time.Duration(0); passed <= time.Duration(last); passed += interval {
		for _, rule := range rules {
			if err := rule.evaluate(engine, m, start.Add(passed)); err != nil {
				return err
			}
		}
		for _, test := range t.AlertRuleTests {
			at := time.Duration(test.EvalTime)
			if at >= passed && at < passed+interval {
				problems = append(problems, test.compare(rules))
			}
		}
	}
	return errors.Join(problems...)
}

func (t ruleTest) load() (memory, error) {
	var m memory
	interval := time.Duration(t.Interval)
	if interval == 0 {
		interval = time.Minute
	}
	for _, given := range t.InputSeries {
		of, values, err := parser.ParseSeriesDesc(given.Series + " " + given.Values)
		if err != nil {
			return nil, err
		}
		one := series{labels: of}
		for index, value := range values {
			if !value.Omitted {
				at := (interval * time.Duration(index)).Milliseconds()
				one.samples = append(one.samples, chunks.Sample(point{at, value.Value}))
			}
		}
		m = append(m, one)
	}
	return m, nil
}

func (c alertCase) compare(rules []*alertingRule) error {
	var expected, got []string
	for _, one := range c.ExpAlerts {
		with := map[string]string{"alertname": c.Alertname}
		maps.Copy(with, one.Labels)
		expected = append(expected, textOf(with, one.Annotations))
	}
	for _, rule := range rules {
		if rule.Alert != c.Alertname {
			continue
		}
		for _, one := range rule.active {
			if one.firing {
				got = append(got, textOf(one.labels, one.annotations))
			}
		}
	}
	slices.Sort(expected)
	slices.Sort(got)
	if slices.Equal(expected, got) {
		return nil
	}
	return fmt.Errorf("    %s at %s\n      expected:%s\n      got:%s", c.Alertname, c.EvalTime,
		strings.Join(expected, ""), strings.Join(got, ""))
}

func textOf(of, annotations map[string]string) string {
	var text strings.Builder
	for _, pairs := range []map[string]string{of, annotations} {
		for _, name := range slices.Sorted(maps.Keys(pairs)) {
			fmt.Fprintf(&text, "\n        %s: %q", name, pairs[name])
		}
	}
	return text.String() + "\n"
}
