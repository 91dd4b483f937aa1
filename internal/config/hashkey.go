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

// GitHubToken reads github.token alone.
func GitHubToken(path string, o Options) (string, error) {
	return alone(path, o, "github.token", func(in file) Secret { return in.GitHub.Token })
}

// GitHubAppKey reads github.app.private_key alone.
func GitHubAppKey(path string, o Options) ([]byte, error) {
	key, err := alone(path, o, "github.app.private_key", func(in file) Secret {
		if in.GitHub.App == nil {
			return Secret{}
		}
		return in.GitHub.App.PrivateKey
	})
	return []byte(key), err
}

func alone(path string, o Options, at string, which func(file) Secret) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", unread(path, err)
	}
	r, in, err := read(data)
	if err != nil {
		return "", err
	}
	f := &checker{faults: r.faults}
	value := f.secret(at, which(in), o.Getenv, true)
	if len(f.list) > 0 {
		return "", f.err()
	}
	return value, nil
}
