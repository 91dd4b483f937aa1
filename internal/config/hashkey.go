package config

import "os"

// HashKey reads terraform.hash_key alone, for a command beside the server that has no
// need of the other secrets.
func HashKey(path string, o Options) ([]byte, error) {
	key, err := alone(path, o, "terraform.hash_key", func(in file) Secret { return in.Terraform.HashKey })
	if err != nil {
		return nil, err
	}
	return []byte(key), nil
}

// Credentials reads as whom drbot comes to GitHub, alone.
func Credentials(path string, o Options) (GitHub, error) {
	var c Config
	err := only(path, o, func(f *checker, in file) { f.forge(in.GitHub, &c, o.Getenv, true) })
	return c.GitHub, err
}

func alone(path string, o Options, at string, which func(file) Secret) (value string, err error) {
	err = only(path, o, func(f *checker, in file) { value = f.secret(at, which(in), o.Getenv, true) })
	return value, err
}

// only reads a part of the configuration, and its faults.
func only(path string, o Options, part func(*checker, file)) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return unread(path, err)
	}
	r, in, err := read(data)
	if err != nil {
		return err
	}
	f := &checker{faults: r.faults}
	part(f, in)
	if len(f.faults.list) > 0 {
		return f.faults.err()
	}
	return nil
}
