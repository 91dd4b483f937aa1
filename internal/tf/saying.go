package tf

import "github.com/drbot/drbot/dr"

// saying is what a finding says stands there, in few words: the repository's own, or ours
// around them. It can be compared, so that a finding is told once.
type saying struct {
	how  how
	code string // of the repository's: how a block begins, a setting, a function, a host
	path string // that a function is told
}

// how is the way in which it is said.
type how int

const (
	asWritten how = iota // the code alone
	tooManyCalls
	inJSON
	testsInJSON
	tooLarge
	templateTooLarge
	unparsed
	computedConfig
	computedTemplate
	computedPath
	readsPath
	computedSource
	atHost
	unfetchedSource
	outsideSource
)

// written is code as it stands there.
func written(code string) saying { return saying{code: code} }

// text is what people are told.
func (s saying) text() dr.Text {
	code := dr.Foreign(s.code)
	switch s.how {
	case asWritten:
		return dr.T(dr.Words, "words", code)
	case tooManyCalls:
		return dr.T("tf.says.calls")
	case inJSON:
		return dr.T("tf.says.json")
	case testsInJSON:
		return dr.T("tf.says.tests-json")
	case tooLarge:
		return dr.T("tf.says.large")
	case templateTooLarge:
		return dr.T("tf.says.template-large")
	case unparsed:
		return dr.T("tf.says.unparsed")
	case computedConfig:
		return dr.T("tf.says.computed-config", "block", code)
	case computedTemplate:
		return dr.T("tf.says.computed-template", "function", code)
	case computedPath:
		return dr.T("tf.says.computed-path", "function", code)
	case readsPath:
		return dr.T("tf.says.reads", "function", code, "path", dr.Foreign(s.path))
	case computedSource:
		return dr.T("tf.says.computed-source")
	case atHost:
		return dr.T("tf.says.host", "host", code)
	case unfetchedSource:
		return dr.T("tf.says.unfetched")
	default: // outsideSource
		return dr.T("tf.says.outside")
	}
}
