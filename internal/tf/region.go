package tf

import (
	"regexp"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/drbot/drbot/dr"
)

const (
	regionAttribute = "active_region"
	// largestFile bounds the parser's work on a file that holds one line.
	largestFile   = 64 << 10
	longestRegion = 32
)

var regionName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// RegionFile reads and rewrites the active_region file.
type RegionFile struct{}

// ActiveRegion reads the one literal of the file; dr.Invalid when it is missing,
// no plain string, or there twice.
func (RegionFile) ActiveRegion(content string) (dr.Region, error) {
	at, err := findRegion(content)
	if err != nil {
		return "", err
	}
	return dr.Region(content[at.from:at.to]), nil
}

// SetActiveRegion replaces the literal and keeps every other byte.
func (f RegionFile) SetActiveRegion(content string, to dr.Region) (string, error) {
	if !validRegion(string(to)) {
		return "", &dr.Error{Code: dr.Invalid, What: dr.T("region-file.no-region"), Next: dr.T("region-file.no-region.next")}
	}
	at, err := findRegion(content)
	if err != nil {
		return "", err
	}
	out := content[:at.from] + string(to) + content[at.to:]
	// Reading the result back costs nothing and the file decides where users go.
	if got, err := f.ActiveRegion(out); err != nil || got != to {
		return "", invalidFile(dr.T("region-file.unsafe"))
	}
	return out, nil
}

// span is where the text between the quotes stands.
type span struct{ from, to int }

func findRegion(content string) (span, error) {
	if len(content) > largestFile {
		return span{}, invalidFile(dr.T("region-file.large", "size", largestFile>>10))
	}
	if !mayParse(content) {
		return span{}, invalidFile(dr.T("region-file.no-hcl"))
	}
	src := []byte(content)
	file, diags := hclsyntax.ParseConfig(src, "active_region.auto.tfvars", hcl.InitialPos)
	if diags.HasErrors() {
		for _, d := range diags {
			if d.Severity == hcl.DiagError && d.Subject != nil {
				return span{}, invalidFile(dr.T("region-file.fault", "line", d.Subject.Start.Line, "fault", dr.Foreign(d.Summary)))
			}
		}
		return span{}, invalidFile(dr.T("region-file.no-hcl"))
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return span{}, invalidFile(dr.T("region-file.other-syntax"))
	}
	attr, ok := body.Attributes[regionAttribute]
	if !ok {
		return span{}, invalidFile(dr.T("region-file.unset"))
	}
	// A template of one literal part that is written between quotes: nothing that
	// Terraform would have to evaluate, no heredoc.
	template, ok := attr.Expr.(*hclsyntax.TemplateExpr)
	if !ok || !template.IsStringLiteral() {
		return span{}, invalidFile(dr.T("region-file.no-string"))
	}
	at := span{from: template.Range().Start.Byte + 1, to: template.Range().End.Byte - 1}
	quoted := at.from >= 1 && at.from <= at.to && at.to < len(src) && src[at.from-1] == '"' && src[at.to] == '"'
	if !quoted || !validRegion(content[at.from:at.to]) {
		return span{}, invalidFile(dr.T("region-file.no-name"))
	}
	return at, nil
}

func validRegion(s string) bool { return len(s) <= longestRegion && regionName.MatchString(s) }

func invalidFile(why dr.Text) error {
	return &dr.Error{
		Code: dr.Invalid,
		What: dr.T("region-file", "why", why),
		Next: dr.T("region-file.next"),
	}
}
