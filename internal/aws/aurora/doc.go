// Package aurora reads and moves Aurora global databases: where the writer is, the
// one call that moves it, how far a secondary is behind, what RDS reported, and
// whether all of it allows a failover.
package aurora
