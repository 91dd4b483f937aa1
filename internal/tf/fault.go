package tf

import (
	"slices"
	"strings"
)

// ofCode tells whether an error is the code's own, by what Terraform calls it: it reads and
// evaluates the same files to the same end however often it is asked, while a provider, a
// backend or a registry may answer another time. What is not known here counts as theirs.
func (d diagnostic) ofCode() bool {
	summary := strings.ToLower(strings.TrimSpace(d.Summary))
	return slices.ContainsFunc(codeFaults(), func(begins string) bool { return strings.HasPrefix(summary, begins) })
}

// codeFaults are how Terraform's summaries of such errors begin, in lower case.
func codeFaults() []string {
	return []string{
		// What is no HCL, or not the HCL of a configuration.
		"argument or block definition required", "attribute redefined", "block required", "extraneous label for", "extra characters after",
		"invalid argument name", "invalid attribute name", "invalid block definition", "invalid character", "invalid expression", "invalid legacy",
		"invalid multi-line string", "invalid number literal", "invalid single-argument block", "invalid string literal", "invalid template",
		"missing attribute separator", "missing attribute value", "missing close brac", "missing closing brac", "missing false expression", "missing item separator", "missing key/value separator",
		"missing name for", "missing newline", "unbalanced parentheses", "unclosed", "unterminated",
		"duplicate argument", "duplicate backend configuration", "duplicate data \"", "duplicate local value", "duplicate module call", "duplicate output definition",
		"duplicate provider configuration", "duplicate required providers", "duplicate resource \"", "duplicate variable declaration",
		"missing required argument", "too many function arguments", "not enough function arguments", "unsupported argument", "unsupported block type",
		"invalid variable name", "invalid resource name", "invalid module instance name", "invalid output name",

		// What refers to nothing, or to what it must not.
		"call to unknown function", "cycle:", "invalid combination of", "invalid data source", "invalid depends_on reference", "invalid expanding argument",
		"invalid index", "invalid reference", "invalid resource type", "invalid \"self\" reference", "invalid type specification", "missing module",
		"missing resource instance key", "module not installed", "no value for required variable", "provider configuration not present",
		"reference to undeclared", "reference to \"", "reference to uninitialized", "self-referential block", "undefined provider", "unknown variable", "unreadable module directory",
		"unsupported attribute", "variables not allowed",

		// What does not fit where it stands.
		"attempt to get attribute from null value", "attempt to index null value", "error in function call", "inappropriate value", "incorrect attribute value type",
		"incorrect condition type", "incorrect value type", "inconsistent conditional result types", "invalid count argument", "invalid default value for variable", "invalid for_each",
		"invalid function argument", "invalid operand", "invalid value for input variable", "invalid value for variable", "iteration over n", "unsuitable value", "unsupported operator",
	}
}
