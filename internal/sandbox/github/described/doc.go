// Package described holds the local GitHub, and what the bot asks of it, against what GitHub publishes of itself: the
// description of its REST API and webhooks, the schema of its GraphQL API, and examples of its webhooks. It is for tests
// alone. Everything comes from npm by a lock file, and a test that cannot have it says so and is skipped.
package described
