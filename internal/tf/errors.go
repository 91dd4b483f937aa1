package tf

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/drbot/drbot/dr"
)

// outside gives an error of the disk, of a process or of the network its code and
// words. One that has them keeps them. One that is none of these stays as it is: it
// is a defect, and trying again would only hide it.
func outside(err error, what, next dr.Text) error {
	var known *dr.Error
	if err == nil || errors.As(err, &known) || !fromOutside(err) {
		return err
	}
	e := &dr.Error{Code: dr.Temporary, What: what, Next: next, Err: err}
	switch {
	case errors.Is(err, context.Canceled):
		e.What = dr.T("tf.interrupted", "what", what)
	case errors.Is(err, context.DeadlineExceeded):
		e.What = dr.T("tf.too-long", "what", what)
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		e.What, e.Next = dr.T("tf.disk-full", "what", what), dr.T("tf.disk-full.next")
	case noProgram(err):
		e.Code, e.What, e.Next = dr.NotFound, dr.T("tf.no-program", "what", what), dr.T("tf.no-program.next")
	case errors.Is(err, unix.EROFS), errors.Is(err, fs.ErrPermission):
		e.Code, e.What, e.Next = dr.Denied, dr.T("tf.no-access", "what", what), dr.T("tf.no-access.next")
	}
	return e
}

func fromOutside(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		is[syscall.Errno](err) || is[*fs.PathError](err) || is[*os.LinkError](err) || is[*os.SyscallError](err) ||
		is[*exec.Error](err) || is[*exec.ExitError](err) || is[net.Error](err)
}

func is[T error](err error) bool {
	var as T
	return errors.As(err, &as)
}

// noProgram tells that a process could not be started for want of its program.
func noProgram(err error) bool {
	var start *fs.PathError
	return errors.Is(err, exec.ErrNotFound) ||
		errors.As(err, &start) && start.Op == "fork/exec" && errors.Is(err, fs.ErrNotExist)
}

// notStarted tells that a process gave no exit status because it never ran.
func notStarted(err error) bool {
	return !is[*exec.ExitError](err) && (is[*exec.Error](err) || is[*fs.PathError](err) || is[*os.SyscallError](err))
}

// damaged is a record of an apply that cannot be read although it is there: how that
// apply went is not known.
func damaged(f folder, name string, err error) error {
	return &dr.Error{
		Code: dr.Uncertain,
		What: dr.T("tf.damaged", "file", f.file(name)),
		Next: dr.T("tf.damaged.next"), Err: err,
	}
}
