package dr

import "encoding/json"

// Voices are those whose word something was: one person, or several whose words counted
// together. One alone is stored as a name.
type Voices []string

// First is whose word it was where that takes one; empty where it was nobody's.
func (v Voices) First() string {
	if len(v) == 0 {
		return ""
	}
	return v[0]
}

// MarshalJSON writes a name, or a list of them.
func (v Voices) MarshalJSON() ([]byte, error) {
	if len(v) > 1 {
		return json.Marshal([]string(v))
	}
	return json.Marshal(v.First())
}

// UnmarshalJSON reads them. What was stored before there were lists of several is one name, in
// which theirs stand.
func (v *Voices) UnmarshalJSON(doc []byte) error {
	var one string
	if json.Unmarshal(doc, &one) == nil {
		if *v = nil; one != "" {
			*v = Voices{one}
		}
		return nil
	}
	return json.Unmarshal(doc, (*[]string)(v))
}
