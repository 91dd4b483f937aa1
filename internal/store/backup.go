package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
)

// Backup writes a SQLite database as it is at one moment into a file that must not be
// there, also while a server works on it. The file is whole or not there.
func Backup(ctx context.Context, url, to string) (err error) {
	path, err := backedUp(url, "pg_dump --format=custom --file FILE URL")
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		return noDatabase(path, err)
	}
	place, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // kept free until it is whole
	if errors.Is(err, fs.ErrExist) {
		return &dr.Error{Code: dr.Conflict, What: dr.T("backup.exists", "file", to), Next: dr.T("backup.exists.next")}
	} else if err != nil {
		return failedFile(to, "make the backup's file", err)
	}
	_ = place.Close()
	defer func() {
		if err != nil {
			err = errors.Join(err, failedFile(to, "take the unfinished backup away", os.Remove(to)))
		}
	}()
	dir, err := os.MkdirTemp(filepath.Dir(to), ".drbot-backup-*")
	if err != nil {
		return failedFile(to, "make a folder for the backup", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	db, err := connect(url)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	copied := filepath.Join(dir, "drbot.db")
	if _, err := db.ExecContext(ctx, `VACUUM INTO ?`, copied); err != nil {
		return failed("copy the database", err)
	}
	if err := whole(ctx, copied, path); err != nil {
		return err
	}
	return put(copied, to)
}

// served is that a server is there, by its process where that is known.
func served(pid int) dr.Text {
	if pid == 0 {
		return dr.T("backup.server")
	}
	return dr.T("backup.server.process", "pid", pid)
}

// Restore puts a backup in the place of a SQLite database. It refuses while a server is
// there, and a file that is not a whole database of this program's version or an older
// one. What was there is kept aside, under a name that then is given, which is empty when
// nothing was. after runs before a server can start.
func Restore(ctx context.Context, url, from string, now time.Time, after func(aside string) error) error {
	path, err := backedUp(url, "pg_restore --clean --if-exists --dbname URL FILE")
	if err != nil {
		return err
	}
	lock, holder, err := fileLock(lockPath(url))
	if err != nil {
		return err
	}
	if lock == nil {
		return &dr.Error{Code: dr.Conflict, What: served(holder), Next: dr.T("backup.server.next")}
	}
	defer lock.Release()
	dir, err := os.MkdirTemp(filepath.Dir(path), ".drbot-restore-*")
	if err != nil {
		return failedFile(path, "make a folder for the restored database", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	restored := filepath.Join(dir, "drbot.db")
	if err := copyFile(from, restored); err != nil {
		return &dr.Error{Code: dr.NotFound, What: dr.T("backup.unread", "file", from), Next: dr.T("backup.unread.next"), Err: err}
	}
	// A plain copy of a database has its newest part beside it.
	if err := copyFile(from+"-wal", restored+"-wal"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return failedFile(from+"-wal", "read the newest part of the backup", err)
	}
	if err := whole(ctx, restored, from); err != nil {
		return err
	}
	aside, err := setAside(path, path+".before-"+now.UTC().Format("20060102T150405Z"))
	if err != nil {
		return failedFile(path, "keep the old database", err)
	}
	if err := put(restored, path); err != nil {
		return err
	}
	return after(aside)
}

func backedUp(url, instead string) (string, error) {
	if path := SQLitePath(url); path != "" {
		return path, nil
	}
	return "", &dr.Error{Code: dr.Invalid, What: dr.T("backup.no-sqlite"), Next: dr.T("backup.no-sqlite.next", "command", dr.Foreign(instead))}
}

// setAside moves a database away with what belongs to it. It is under one name or the
// other at every moment, and never without its newest part.
func setAside(path, aside string) (string, error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return "", dropBeside(path) // of a database that is gone
	}
	if _, err := os.Lstat(aside); err == nil {
		return "", fmt.Errorf("%s is there already", aside)
	}
	if err := os.Link(path+"-wal", aside+"-wal"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err := os.Rename(path, aside); err != nil {
		return "", err
	}
	return aside, dropBeside(path)
}

// dropBeside drops what would be taken for the newest part of another database.
func dropBeside(path string) error {
	for _, end := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// whole sees to it that a file is one whole database of drbot, and nothing beside it
// belongs to it. name is what people know it by.
func whole(ctx context.Context, path, name string) error {
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return failedFile(path, "open it as a database", err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	wrong := func(what dr.Text, err error) error {
		return &dr.Error{Code: dr.Invalid, What: what, Next: dr.T("backup.unfit.next"), Err: err}
	}
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		return wrong(dr.T("backup.empty", "file", name), err)
	}
	var mode, verdict string
	if err := db.QueryRowContext(ctx, `PRAGMA journal_mode = DELETE`).Scan(&mode); err != nil {
		return wrong(dr.T("backup.strange", "file", name), err)
	}
	if err := db.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&verdict); err != nil || verdict != "ok" {
		return wrong(dr.T("backup.damaged", "file", name, "how", dr.Foreign(strings.Join(strings.Fields(verdict), " "))), err)
	}
	s := &database{db: db}
	if there, err := s.hasTable(ctx, db, "drbot_runs"); err != nil || !there {
		return wrong(dr.T("backup.other", "file", name), err)
	}
	if v, err := s.version(ctx, db); err != nil {
		return err
	} else if v > len(migrations) {
		return newer(dr.T("backup.newer", "file", name, "version", v, "known", len(migrations)), dr.T("backup.newer.next"))
	}
	return failedFile(path, "close it again", db.Close())
}

// put moves a file that is whole to its place, for its owner alone, and sees to it that
// a crash leaves it there.
func put(from, to string) error {
	f, err := os.Open(from)
	if err != nil {
		return failedFile(from, "put it in its place", err)
	}
	err = errors.Join(f.Chmod(0o600), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(from, to)
	}
	if err != nil {
		return failedFile(to, "put it in its place", err)
	}
	dir, err := os.Open(filepath.Dir(to))
	if err != nil {
		return failedFile(to, "put it in its place for good", err)
	}
	return failedFile(to, "put it in its place for good", errors.Join(dir.Sync(), dir.Close()))
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
