package config

import "testing"

func TestUnproved(t *testing.T) {
	none := map[string]string{}
	for _, c := range []struct {
		url  string
		env  map[string]string
		want bool
	}{
		{"sqlite:/var/lib/drbot/drbot.db", none, false},
		{"postgres://drbot:pw@db.example.com/drbot", none, true},
		{"postgres://drbot:pw@db.example.com/drbot?sslmode=require", none, true},
		{"postgres://drbot:pw@db.example.com/drbot?sslmode=verify-ca", none, true},
		{"postgres://drbot:pw@db.example.com/drbot?sslmode=verify-full", none, false},
		{"postgresql://drbot@db.example.com:5432/drbot?connect_timeout=5&sslmode=verify-full&sslrootcert=/etc/ssl/rds.pem", none, false},
		{"postgres://drbot@db.example.com/drbot?sslmode=verify-full&sslmode=disable", none, true},
		{"postgres://drbot@db.example.com/drbot", map[string]string{"PGSSLMODE": "verify-full"}, false},
		{"postgres://drbot@db.example.com/drbot?sslmode=disable", map[string]string{"PGSSLMODE": "verify-full"}, true},
		{"postgres://drbot@127.0.0.1:5432/drbot", none, false},
		{"postgres://drbot@[::1]:5432/drbot", none, false},
		{"postgres://drbot@localhost/drbot?sslmode=disable", none, false},
		{"postgres://drbot@localhost:5432,db.example.com:5432/drbot", none, true},
		{"postgres://drbot@/drbot?host=/var/run/postgresql", none, false},
		{"postgres://drbot@/drbot?host=db.example.com", none, true},
		{"postgres://drbot@127.0.0.1/drbot?host=db.example.com", none, true},
		{"postgres://drbot@127.0.0.1/drbot?hostaddr=10.0.0.1", none, true},
		{"postgres:///drbot", none, false},
		{"postgres:///drbot", map[string]string{"PGHOST": "db.example.com"}, true},
		{"postgres:///drbot?service=prod", none, true},
		{"postgres://p%40ss:w%2Ford@db.example.com/drbot?sslmode=%zz", none, true},
	} {
		if got := unproved(c.url, func(name string) string { return c.env[name] }); got != c.want {
			t.Errorf("%s with %v: %t", c.url, c.env, got)
		}
	}
}
