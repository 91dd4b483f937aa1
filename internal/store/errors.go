package store

import (
	"errors"
	"fmt"
	"strings"

	"github.com/drbot/drbot/dr"
)

// failed is what every error of the database comes to: it is busy, locked, full, read-only
// or away, or there was no time left to ask it. All of it may pass, and nothing was
// decided by it. What is classified already stays so.
func failed(doing string, err error) error {
	return lost(dr.T("store.away"), dr.T("store.away.next"), doing, err)
}

// failedFile is the same of a file beside the database.
func failedFile(path, doing string, err error) error {
	return lost(dr.T("store.file", "file", path), dr.T("store.file.next"), doing, err)
}

func lost(what, next dr.Text, doing string, err error) error {
	if err == nil {
		return nil
	}
	cause := fmt.Errorf("%s: %w", doing, err)
	if known := (*dr.Error)(nil); errors.As(err, &known) {
		return cause
	}
	return &dr.Error{Code: dr.Temporary, What: what, Next: next, Err: cause}
}

// broken is the error of a stored document that cannot be read: it was changed by hand,
// or a program of another version wrote it. What it held is not known.
func broken(of dr.Text, err error) error {
	return &dr.Error{Code: dr.Uncertain, What: dr.T("store.broken", "of", of), Next: dr.T("store.broken.next"), Err: err}
}

// scrub keeps a database password out of an error text.
func scrub(err error, url string) error {
	if err == nil || !strings.Contains(err.Error(), url) {
		return err
	}
	clean := func(err error) error { return errors.New(strings.ReplaceAll(err.Error(), url, "the database URL")) }
	if e := (*dr.Error)(nil); errors.As(err, &e) && e.Err != nil {
		return &dr.Error{Code: e.Code, What: e.What, Next: e.Next, Err: clean(e.Err)}
	}
	return clean(err)
}
