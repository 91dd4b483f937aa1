package main

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	status, stdout, stderr := typed("version")
	if status != 0 || !strings.HasPrefix(stdout, "drbot "+edition) || !strings.Contains(stdout, "go1.") {
		t.Errorf("status %d, %q, %q", status, stdout, stderr)
	}
	of := func(settings ...debug.BuildSetting) built { return builtOf(&debug.BuildInfo{Settings: settings}, true) }
	if b := of(debug.BuildSetting{Key: "vcs.revision", Value: "abc"}, debug.BuildSetting{Key: "vcs.modified", Value: "true"}); b.Commit != "abc" || !b.Changed {
		t.Errorf("it is told as %+v", b)
	}
	if b := builtOf(nil, false); b.Edition != edition || b.Commit != "" {
		t.Errorf("without what the build tells: %+v", b)
	}
}
