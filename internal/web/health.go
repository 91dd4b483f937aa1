// Package web is what drbot shows a browser or a load balancer. It only reads.
package web

import (
	"context"
	"io"
	"net/http"
	"time"
)

// Health answers 200 while the database can be reached and 503 when not. It says
// nothing about services or runs, so it may be public.
func Health(ping func(context.Context) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		if err := ping(ctx); err != nil {
			http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ok\n") // a prober that hung up does not mind
	})
}
