package config

import "os"

// HashKey reads terraform.hash_key alone, for a command beside the server that has no
// need of the other secrets.
func HashKey(path string, o Options) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, unread(path, err)
	}
	r, in, err := read(data)
	if err != nil {
		return nil, err
	}
	f := &checker{faults: r.faults}
	key := f.secret("terraform.hash_key", in.Terraform.HashKey, o.Getenv, true)
	if len(f.list) > 0 {
		return nil, f.err()
	}
	return []byte(key), nil
}
