package text

import (
	"fmt"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
)

// Marks is how a place writes what stands out, and how it takes what people and
// programs said: a catalogue's own words are written as they are, everything they are
// about is escaped. Without marks words are plain.
type Marks struct {
	Escape func(string) string // of every argument
	Bold   string              // before and behind what {{bold .x}} says
	Code   func(string) string // how {{code .x}} writes an argument as it is

	// Time writes a time of the argument with this name, already escaped; empty where
	// the usual form will do.
	Time func(arg string, t time.Time) string
}

// Marked gives the same words with marks.
func (w Words) Marked(m Marks) Words {
	w.marks = m
	return w
}

// Plain gives the same words without marks.
func (w Words) Plain() Words { return w.Marked(Marks{}) }

// Strong says a text so that it stands out.
func (w Words) Strong(t dr.Text) string { return w.marks.bold(w.Say(t)) }

// Escape takes words that are no text, such as a name, into what is said.
func (w Words) Escape(s string) string { return w.marks.escape(s) }

// Code writes words that are no text as code.
func (w Words) Code(s string) string { return w.marks.code(s) }

func (m Marks) escape(s string) string {
	if m.Escape == nil {
		return s
	}
	return m.Escape(s)
}

func (m Marks) bold(v any) string {
	if s := fmt.Sprint(v); s != "" {
		return m.Bold + s + m.Bold
	}
	return ""
}

func (m Marks) code(v any) string {
	raw := fmt.Sprint(v)
	if said, ok := v.(value); ok {
		raw = said.raw
	}
	if m.Code == nil || raw == "" {
		return m.escape(raw)
	}
	return m.Code(raw)
}

// OneLine takes line breaks, control characters and marks of direction out of what
// people and programs said, so that it stays where it is put.
func OneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return r == ' ' || r < ' ' || r >= 0x7f && r < 0xa0 || parts(r) || directs(r)
	}), " ")
}

// Visible keeps the lines of what people and programs said and takes out what a terminal
// would obey.
func Visible(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (r < ' ' || r >= 0x7f && r < 0xa0 || parts(r) || directs(r)) {
			return -1
		}
		return r
	}, s)
}

// parts tells the characters that end a line or a paragraph and are no line breaks of old.
func parts(r rune) bool { return r == 0x2028 || r == 0x2029 }

// directs tells the characters that turn the direction of the text behind them.
func directs(r rune) bool {
	return r == 0x061c || r == 0x200e || r == 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}
