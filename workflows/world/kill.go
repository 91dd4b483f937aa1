package world

import "time"

// kill is a process's death at one moment: the database as it was then.
type kills struct {
	done int // the lives that ended so
	now  chan struct{}
}

// killed counts the kills so far; each goes on with another copy of the database.
func (w *World) killed() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.kills.done
}

// Kill ends the bot as a power cut does, within a call of a port: nothing that it does
// afterwards is seen by the world or stored. Revive starts it again.
func (w *World) Kill() {
	close(w.life.gone)
	if err := w.exec("VACUUM INTO ?", w.path(w.killed()+1)); err != nil {
		w.t.Errorf("copy the database of the killed bot: %v", err)
	}
	close(w.kills.now)
}

// KillBefore kills the bot right before the next such call acts, KillAfter right after.
func (w *World) KillBefore(call string) *Rule { return w.Before(call, w.Kill) }

// KillAfter is described at KillBefore.
func (w *World) KillAfter(call string) *Rule { return w.After(call, w.Kill) }

// Revive waits for the kill that was asked for and starts the bot again, after a while.
func (w *World) Revive(after time.Duration) {
	w.t.Helper()
	select {
	case <-w.kills.now:
	case <-time.After(patience):
		w.t.Fatal("nothing killed the bot")
	}
	w.close()
	w.mu.Lock()
	w.kills.done++
	w.kills.now = make(chan struct{})
	w.mu.Unlock()
	time.Sleep(after)
	w.left()
	w.open(w.path(w.killed()))
}

// Lives counts how often the bot was started.
func (w *World) Lives() int { return w.lives }
