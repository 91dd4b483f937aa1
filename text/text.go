// Package text turns what the program has to say into words: a dr.Text into a sentence
// of the reader's language, a dr.Command into what is typed in Slack or in a shell. It
// is called at the very edge, where something is shown; nothing it gives is stored.
package text

import (
	"embed"
	"fmt"
	"io/fs"
	"math"
	"strconv"
	"strings"
	"text/template"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"go.yaml.in/yaml/v3"
	"golang.org/x/text/language"

	"github.com/drbot/drbot/dr"
)

//go:embed en.yaml ko.yaml
var catalogue embed.FS

// Place says where words are shown, which decides how a command is written.
type Place string

const (
	Slack Place = "slack" // /dr status portal
	Shell Place = "shell" // drbot status portal
)

// Catalogue holds the messages of every language. It is safe for concurrent use.
type Catalogue struct {
	bundle *i18n.Bundle
	verbs  []dr.Verb
}

// New reads the catalogue. It fails when a file of it is broken.
func New(verbs []dr.Verb) (*Catalogue, error) { return NewFrom(catalogue, verbs) }

// Files holds the catalogue's own files, a language each.
func Files() fs.FS { return catalogue }

// NewFrom reads a catalogue of other files: en.yaml, which has every message, and any
// number of others.
func NewFrom(files fs.FS, verbs []dr.Verb) (*Catalogue, error) {
	c := &Catalogue{bundle: i18n.NewBundle(language.English), verbs: verbs}
	c.bundle.RegisterUnmarshalFunc("yaml", yaml.Unmarshal)
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("find the messages: %w", err)
	}
	for _, name := range names {
		doc, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read the messages of %s: %w", name, err)
		}
		if err := c.Add(strings.TrimSuffix(name, ".yaml"), doc); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Add puts messages of a language beside those that are there, over those of the same
// id; a document in YAML, as the catalogue's own files.
func (c *Catalogue) Add(lang string, doc []byte) error {
	if _, err := c.bundle.ParseMessageFileBytes(doc, lang+".yaml"); err != nil {
		return fmt.Errorf("read messages of %s: %w", lang, err)
	}
	return nil
}

// Verbs are the commands that the catalogue's words speak of.
func (c *Catalogue) Verbs() []dr.Verb { return c.verbs }

// In gives the words of a language for a place. What the language lacks is said in English.
func (c *Catalogue) In(lang string, place Place) Words {
	return Words{catalogue: c, localizer: i18n.NewLocalizer(c.bundle, lang), place: place}
}

// Words says texts in one language for one place.
type Words struct {
	catalogue *Catalogue
	localizer *i18n.Localizer
	place     Place
	marks     Marks
}

// Catalogue is where the words are from.
func (w Words) Catalogue() *Catalogue { return w.catalogue }

// Say is a text in words. One that no catalogue has is shown by its id and arguments:
// a person at 3 a.m. is better served by that than by nothing.
func (w Words) Say(t dr.Text) string {
	if t.Empty() {
		return ""
	}
	data := make(map[string]any, len(t.Args))
	for name, a := range t.Args {
		if v := w.value(name, a); v.raw != "" {
			data[name] = v
		} else {
			data[name] = ""
		}
	}
	lc := &i18n.LocalizeConfig{MessageID: string(t.ID), TemplateData: data, Funcs: w.funcs()}
	if n, ok := t.Args["n"]; ok && n.Number != nil {
		lc.PluralCount = strconv.FormatFloat(*n.Number, 'f', -1, 64)
	}
	out, err := w.localizer.Localize(lc)
	if err != nil && out == "" {
		return w.marks.escape(t.String())
	}
	return out
}

// funcs are what a message may do with an argument.
func (w Words) funcs() template.FuncMap {
	return template.FuncMap{"bold": w.marks.bold, "code": w.marks.code, "check": w.check, "measure": w.measure, "date": w.date}
}

// check is a check in words, with the name by which it is found in the reference. What has
// no words of its own, and what is words already, stays as it is.
func (w Words) check(v any) string {
	said, ok := v.(value)
	if !ok {
		return w.marks.escape(fmt.Sprint(v))
	}
	words, err := w.localizer.Localize(&i18n.LocalizeConfig{MessageID: "called." + said.raw})
	if err != nil || words == said.raw {
		return said.shown
	}
	return words + " (" + said.shown + ")"
}

// date is a time with its day, in its own zone. What an earlier edition stored as words stays
// as it is.
func (w Words) date(v any) string {
	said, ok := v.(value)
	if !ok || said.at.IsZero() {
		return fmt.Sprint(v)
	}
	return w.marks.escape(said.at.Format("2006-01-02 15:04 MST"))
}

// measure is a value in its unit, and against what it is judged by where that is given. A
// unit without words of its own is told by its word.
func (w Words) measure(n, unit any, limit ...any) string {
	family, data := "unit.", map[string]any{"n": n, "unit": unit}
	if len(limit) > 0 {
		family, data["limit"] = "unit-of.", limit[0]
	}
	lc := &i18n.LocalizeConfig{MessageID: family + rawOf(unit), TemplateData: data, PluralCount: rawOf(n)}
	if said, err := w.localizer.Localize(lc); err == nil {
		return said
	}
	lc.MessageID, lc.PluralCount = family+"else", nil
	said, err := w.localizer.Localize(lc)
	if err != nil {
		return fmt.Sprint(n, " ", unit)
	}
	return said
}

// Sentence begins what a text says with a capital letter.
func (w Words) Sentence(t dr.Text) string { return Capital(w.Say(t)) }

// Error is an error for a person: what happened, and what to do next.
func (w Words) Error(err error) (what, hint string) {
	t, h := dr.Told(err)
	return w.Say(t), w.Say(h)
}

// value is an argument in words: as it is, and as it is written among words with marks.
type value struct {
	raw, shown string
	at         time.Time // where it is a time
}

func (v value) String() string { return v.shown }

// rawOf is an argument as it is.
func rawOf(v any) string {
	if said, ok := v.(value); ok {
		return said.raw
	}
	return fmt.Sprint(v)
}

func (w Words) value(name string, a dr.Arg) value {
	switch {
	case a.Text != nil:
		return value{raw: w.Plain().Say(*a.Text), shown: w.Say(*a.Text)}
	case a.List != nil:
		raw, shown := make([]string, len(a.List)), make([]string, len(a.List))
		for i, e := range a.List {
			v := w.value(name, e)
			raw[i], shown[i] = v.raw, v.shown
		}
		return value{raw: strings.Join(raw, ", "), shown: strings.Join(shown, ", ")}
	case a.Lines != nil:
		raw, shown := make([]string, len(a.Lines)), make([]string, len(a.Lines))
		for i, l := range a.Lines {
			raw[i], shown[i] = w.Plain().Say(l), w.Say(l)
		}
		return value{raw: strings.Join(raw, "\n  "), shown: strings.Join(shown, "\n  ")}
	case !a.Time.IsZero() && w.marks.Time != nil:
		if s := w.marks.Time(name, a.Time); s != "" {
			return value{w.leaf(a), s, a.Time}
		}
	}
	s := w.leaf(a)
	return value{s, w.marks.escape(s), a.Time}
}

func (w Words) leaf(a dr.Arg) string {
	switch {
	case a.Number != nil:
		return strconv.FormatFloat(*a.Number, 'f', -1, 64)
	case !a.Time.IsZero():
		return a.Time.UTC().Format("15:04:05 UTC")
	case a.Duration != nil:
		return Duration(*a.Duration)
	case a.Command != nil:
		return w.Command(*a.Command)
	case a.Foreign != "":
		return a.Foreign
	default:
		return a.Word
	}
}

// Duration is a length of time as people say it: tenths for short ones, minutes for long.
func Duration(d time.Duration) string {
	if d < 0 {
		return "-" + Duration(-max(d, -math.MaxInt64)) // the least duration has no opposite
	}
	switch {
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return d.Round(time.Second).String()
	default:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
}

// Capital begins a word with a capital letter, for the start of a sentence.
func Capital(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if first == utf8.RuneError {
		return s
	}
	return string(unicode.ToUpper(first)) + s[size:]
}
